# The program that builds, audits and packs our artifacts.
{
  lib,
  craneLib,
  common,
}:
let
  arguments = common // {
    pname = "wheelwright";
    CARGO_PROFILE = "tool";
    cargoExtraArgs = "--locked --package wheelwright";
    doCheck = false;
  };
in
craneLib.buildPackage (
  arguments
  // {
    # `cargo check` would be for clippy, which the checks run in another profile.
    cargoArtifacts = craneLib.buildDepsOnly (arguments // { cargoCheckCommand = "true"; });
    meta = {
      description = "Builds, audits and packs the artifacts of DaggerML";
      license = lib.licenses.mit;
      mainProgram = "wheelwright";
    };
  }
)
