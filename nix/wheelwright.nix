# The program that builds, audits and packs our artifacts.
{
  lib,
  craneLib,
  common,
  sources,
}:
let
  # The other crates of the workspace: Cargo wants them to be there, but an edit
  # of theirs is none of wheelwright, nor of the dependencies that it compiles.
  others = craneLib.mkDummySrc { inherit (common) src; };
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
    src = sources.wheelwright;
    postUnpack = ''
      cp --recursive --no-preserve=mode --update=none ${others}/. $sourceRoot/
    '';
    meta = {
      description = "Builds, audits and packs the artifacts of DaggerML";
      license = lib.licenses.mit;
      mainProgram = "wheelwright";
    };
  }
)
