# The compiler of rust-toolchain.toml: the binaries that rustup would install,
# by the hashes in rust-overlay.
{ lib, rust-bin }:
let
  wanted = (lib.importTOML ../rust-toolchain.toml).toolchain;
in
{
  # For this machine only: a small download for `nix run`.
  host = rust-bin.fromRustupToolchain (wanted // { targets = [ ]; });
  # For every platform of the matrix.
  all = rust-bin.fromRustupToolchain wanted;
}
