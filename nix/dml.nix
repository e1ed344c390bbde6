# The native `dml` command with its completions and manual pages.
{
  lib,
  stdenv,
  craneLib,
  common,
  installShellFiles,
}:
let
  arguments = common // {
    pname = "dml";
    cargoExtraArgs = "--locked --package daggerml-cli";
    # The tests are `checks`; a package is not held up by them.
    doCheck = false;
  };
in
craneLib.buildPackage (
  arguments
  // {
    # `cargo check` would be for clippy, which the checks run in another profile.
    cargoArtifacts = craneLib.buildDepsOnly (arguments // { cargoCheckCommand = "true"; });
    nativeBuildInputs = [ installShellFiles ];
    postInstall = lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
      for shell in bash zsh fish; do
        $out/bin/dml completions $shell > dml.$shell
      done
      installShellCompletion --cmd dml dml.{bash,zsh,fish}
      $out/bin/dml man --dir man
      installManPage man/*.1
    '';
    meta = {
      description = "Version control for computations: the dml command";
      homepage = "https://github.com/daggerml/daggerml";
      license = lib.licenses.mit;
      mainProgram = "dml";
      platforms = lib.platforms.unix;
    };
  }
)
