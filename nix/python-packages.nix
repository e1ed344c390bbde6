# The Python packages, for the package set of any Python >= 3.9. They are made
# of the wheels, so what Nix users import is what everyone else installs.
{
  lib,
  common,
  daggerml-wheel,
  daggerml-cli-wheel,
  daggerml-adapter-dask-wheel,
}:
python:
let
  package =
    {
      pname,
      wheel,
      module,
      dependencies ? [ ],
      mainProgram ? null,
    }:
    python.buildPythonPackage {
      inherit pname dependencies;
      inherit (common) version;
      format = "wheel";
      disabled = python.pythonOlder "3.9";
      src = wheel;
      # As nixpkgs unpacks a wheel, whose name need not be known here.
      unpackPhase = ''
        runHook preUnpack
        mkdir dist
        cp $src/*.whl dist/
      '';
      pythonImportsCheck = [ module ];
      meta = {
        description = "Version control for computations";
        homepage = "https://github.com/daggerml/daggerml";
        license = lib.licenses.mit;
      }
      // lib.optionalAttrs (mainProgram != null) { inherit mainProgram; };
    };
  daggerml = package {
    pname = "daggerml";
    wheel = daggerml-wheel;
    module = "daggerml";
  };
in
{
  inherit daggerml;
  daggerml-cli = package {
    pname = "daggerml-cli";
    wheel = daggerml-cli-wheel;
    module = "daggerml_cli";
    dependencies = [ daggerml ];
    mainProgram = "dml";
  };
  daggerml-adapter-dask = package {
    pname = "daggerml-adapter-dask";
    wheel = daggerml-adapter-dask-wheel;
    module = "daggerml_adapter_dask";
    dependencies = [
      daggerml
      python.distributed
    ];
    mainProgram = "daggerml-adapter-dask";
  };
}
