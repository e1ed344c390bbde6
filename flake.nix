{
  description = "DaggerML: version control for computations";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    crane.url = "github:ipetkov/crane";
    # rustc exactly as rust-toolchain.toml says, with the targets it names;
    # nixpkgs has one version at a time, and the standard library of one target.
    rust-overlay = {
      url = "github:oxalica/rust-overlay";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs =
    {
      nixpkgs,
      crane,
      rust-overlay,
      ...
    }:
    let
      inherit (nixpkgs) lib;
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      # Everything of ./nix for one package set, by name.
      ours = pkgs: import ./nix { inherit pkgs crane rust-overlay; };
      forEach = make: lib.genAttrs systems (system: make (ours nixpkgs.legacyPackages.${system}) system);
    in
    {
      packages = forEach (
        ours: system:
        {
          default = ours.dml;
          inherit (ours) dml daggerml-wheel daggerml-cli-wheel;
          inherit (ours) wheelwright;
        }
        # The whole matrix is cross-compiled, and proven, on this system.
        // lib.optionalAttrs (system == "x86_64-linux") { inherit (ours) wheels; }
      );

      apps = forEach (
        ours: _: rec {
          default = dml;
          dml = {
            type = "app";
            program = lib.getExe ours.dml;
            meta.description = ours.dml.meta.description;
          };
        }
      );

      devShells = forEach (ours: _: { default = ours.shell; });
      checks = forEach (ours: _: ours.checks);
      formatter = forEach (ours: _: ours.formatter);

      # `pkgs.dml`, and `daggerml` and `daggerml-cli` for every Python of nixpkgs.
      overlays.default = final: prev: {
        inherit (ours final) dml;
        pythonPackagesExtensions = prev.pythonPackagesExtensions ++ [
          (python: _: (ours final).pythonPackagesFor python)
        ];
      };
    };
}
