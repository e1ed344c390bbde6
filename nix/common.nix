# What all of crane's derivations have in common. One set of arguments and
# variables, so that no dependency is compiled twice.
{ lib, sources }:
{
  pname = "daggerml";
  inherit ((lib.importTOML ../Cargo.toml).workspace.package) version;
  src = sources.code;
  strictDeps = true;
  # The stable ABI needs no interpreter to compile against; asked for nothing
  # that can change, pyo3 is not built again.
  env = {
    PYO3_NO_PYTHON = "1";
    PYO3_BUILD_EXTENSION_MODULE = "1";
  };
}
