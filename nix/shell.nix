# `nix develop`: everything that `cargo wheels`, `cargo checks`, Bazel with
# `--config=system` and the documentation need.
{
  mkShell,
  lib,
  toolchain,
  python3,
  git,
  bazel_7,
  cargo-nextest,
  deadnix,
  nixfmt,
  uv,
}:
mkShell {
  packages = [
    toolchain.all
    python3
    git
    bazel_7 # as .bazelversion says
    cargo-nextest
    deadnix
    nixfmt
    uv # writes tools/checks/requirements.txt
  ];
  # nixpkgs has one Bazel 7; .bazelversion may name another patch release.
  USE_BAZEL_VERSION = bazel_7.version;
  # There is no rustup here to ask.
  RUSTUP_AUTO_INSTALL = "0";
  shellHook = ''
    echo "DaggerML ${(lib.importTOML ../Cargo.toml).workspace.package.version}: $(rustc --version), $(python3 --version)"
    echo "  cargo wheels --host    build and try this machine's wheels"
    echo "  cargo checks           run what a change needs (--all: every test)"
    echo "  nix flake check        the same in Nix's sandbox"
  '';
}
