# The Python packages, for the package set of any Python that they support. They are
# made of the wheels, so what Nix users import is what everyone else installs; what
# they are called and need is in their pyproject.toml.
{
  lib,
  common,
  projects,
  package-wheels,
}:
python:
let
  # The name at the start of a requirement such as `dask>=2024.8`.
  nameOf = requirement: lib.head (builtins.match "([A-Za-z0-9._-]+).*" requirement);
  package =
    { project, ... }:
    python.buildPythonPackage {
      pname = project.name;
      inherit (common) version;
      format = "wheel";
      disabled = python.pythonOlder (lib.removePrefix ">=" project.requires-python);
      dependencies = map (requirement: packages.${nameOf requirement} or python.${nameOf requirement}) (
        project.dependencies or [ ]
      );
      src = package-wheels.${project.name};
      # As nixpkgs unpacks a wheel, whose name need not be known here.
      unpackPhase = ''
        runHook preUnpack
        mkdir dist
        cp $src/*.whl dist/
      '';
      pythonImportsCheck = [ (lib.replaceStrings [ "-" ] [ "_" ] project.name) ];
      meta = {
        description = "Version control for computations";
        homepage = "https://github.com/daggerml/daggerml";
        license = lib.licenses.mit;
      }
      // lib.optionalAttrs (project ? scripts) {
        mainProgram = lib.head (lib.attrNames project.scripts);
      };
    };
  packages = lib.listToAttrs (
    map (project: lib.nameValuePair project.project.name (package project)) projects
  );
in
packages
