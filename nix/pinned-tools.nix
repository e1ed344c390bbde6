# zig and pip as wheelwright pins them, in a folder that pip can install from:
# a build in the sandbox has no network.
{
  lib,
  stdenv,
  fetchPypi,
  linkFarm,
}:
let
  requirements = ../tools/wheelwright/src/toolchain/requirements;
  # A wheel by the version and one of the hashes of its requirements file.
  pinned =
    {
      pname,
      file,
      platform,
      sha256,
    }:
    let
      text = builtins.readFile (requirements + "/${file}");
      line = lib.findFirst (lib.hasPrefix "${pname}==") null (lib.splitString "\n" text);
    in
    assert lib.assertMsg (lib.hasInfix "sha256:${sha256}" text)
      "${file} pins other files of ${pname} than nix/pinned-tools.nix; copy the new hashes";
    fetchPypi {
      inherit pname platform sha256;
      version = lib.removePrefix "${pname}==" (lib.head (lib.splitString " " line));
      format = "wheel";
      dist = "py3";
      python = "py3";
    };
  zig =
    {
      x86_64-linux = {
        platform = "manylinux_2_12_x86_64.manylinux2010_x86_64.musllinux_1_1_x86_64";
        sha256 = "806316453d1ede7174ed3fefb8e5348154629089c3bb5fe812dfd0e172fac130";
      };
      aarch64-linux = {
        platform = "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64";
        sha256 = "edc0aa60ec964a4cf462d40f68d7de242ddf37fd9a80f2afaee6397059463230";
      };
      x86_64-darwin = {
        platform = "macosx_12_0_x86_64";
        sha256 = "47af4f85e3e59bd672126cc026d3a01b516cad24b9a9ea075abfe8532f4c6bc1";
      };
      aarch64-darwin = {
        platform = "macosx_12_0_arm64";
        sha256 = "acae2a9ce67ed249ad68d42c21bc73b5f9d51a33ba5ea42f609f78683e8d9bb7";
      };
    }
    .${stdenv.buildPlatform.system};
  wheels = [
    (pinned {
      pname = "pip";
      file = "pip.txt";
      platform = "any";
      sha256 = "9655943313a94722b7774661c21049070f6bbb0a1516bf02f7c8d5d9201514cd";
    })
    (pinned (
      zig
      // {
        pname = "ziglang";
        file = "zig.txt";
      }
    ))
  ];
  folder = linkFarm "wheelwright-tools" (
    map (wheel: {
      inherit (wheel) name;
      path = wheel;
    }) wheels
  );
in
{
  # pip's own settings: the hashes make it the same as from the index.
  env = {
    PIP_NO_INDEX = "1";
    PIP_FIND_LINKS = "${folder}";
  };
}
