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

    # What pyproject.toml says of each package, in publish order.
    projects = map (
      folder: (lib.importTOML (../. + "/${folder}/pyproject.toml")) // { inherit folder; }
    ) (lib.importTOML ../wheelwright.toml).packages;
    # The wheel of each package, by its name.
    package-wheels = lib.listToAttrs (
      map (
        project:
        lib.nameValuePair project.project.name (
          if project.tool ? maturin then
            self.callPackage ./native-wheel.nix { }
          else
            self.callPackage ./pure-wheel.nix { inherit (project) folder; }
        )
      ) self.projects
    );
    daggerml-wheel = self.package-wheels.daggerml;
    daggerml-cli-wheel = self.package-wheels.daggerml-cli;
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
