# Every derivation of the flake, for one package set.
{
  pkgs,
  crane,
  rust-overlay,
}:
let
  inherit (pkgs) lib;
in
lib.makeScope pkgs.newScope (
  self:
  let
    # callPackage for a file that makes a set of values: without the `override`
    # that a package gets.
    callSet =
      file:
      removeAttrs (self.callPackage file { }) [
        "override"
        "overrideDerivation"
      ];
  in
  {
    rust-bin = rust-overlay.lib.mkRustBin { } pkgs;
    toolchain = callSet ./toolchain.nix;
    craneLib = (crane.mkLib pkgs).overrideToolchain self.toolchain.host;
    # The same with the standard library of every target of the matrix.
    craneLibAll = self.craneLib.overrideToolchain self.toolchain.all;

    sources = callSet ./sources.nix;
    common = callSet ./common.nix;

    dml = self.callPackage ./dml.nix { };
    wheelwright = self.callPackage ./wheelwright.nix { };
    pinned-tools = callSet ./pinned-tools.nix;

    daggerml-wheel = self.callPackage ./native-wheel.nix { };
    daggerml-cli-wheel = self.callPackage ./pure-wheel.nix { folder = "python/daggerml-cli"; };
    daggerml-adapter-dask-wheel = self.callPackage ./pure-wheel.nix {
      folder = "python/adapters/dask";
    };
    wheels = self.callPackage ./native-wheel.nix {
      craneLib = self.craneLibAll;
      every = true;
    };

    pythonPackagesFor = self.callPackage ./python-packages.nix { };
    checks = callSet ./checks.nix;
    formatter = pkgs.nixfmt-tree;
    shell = self.callPackage ./shell.nix { };
  }
)
