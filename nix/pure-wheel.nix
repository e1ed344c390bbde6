# The wheel of a package without compiled code.
{
  lib,
  runCommand,
  common,
  sources,
  wheelwright,
  folder,
}:
runCommand "${baseNameOf folder}-wheel-${common.version}"
  {
    nativeBuildInputs = [ wheelwright ];
    meta.license = lib.licenses.mit;
  }
  ''
    wheelwright pack --project ${sources.package folder}/${folder} --out $out
  ''
