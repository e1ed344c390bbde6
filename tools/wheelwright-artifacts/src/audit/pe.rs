//! Rules on PE files: what a Windows tag promises, and hardening.

use super::rules::{PE_HARDENING, PE_IMPORT, PE_PYTHON, PE_TIMESTAMP};
use super::subject::Member;
use super::tags::{Suffix, extension_module};
use super::{Findings, Subject};
use crate::artifact::file_name::Platform;
use crate::binary::Binary;
use crate::binary::pe::Pe;
use crate::epoch::ZIP_EPOCH;

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let windows = subject
        .platforms
        .iter()
        .any(|p| matches!(p, Platform::Windows { .. }));
    for (member, binary) in subject.binaries() {
        let Binary::Pe(pe) = binary else { continue };
        if windows {
            imports(subject, member, pe, findings);
            python(subject, member, pe, findings);
            timestamp(subject, member, pe, findings);
            hardening(member, pe, findings);
        }
    }
}

fn imports(subject: &Subject<'_>, member: &Member, pe: &Pe, findings: &mut Findings) {
    for dll in &pe.dlls {
        let lower = dll.to_ascii_lowercase();
        if is_system(&lower)
            || is_python(&lower)
            || is_pypy(&lower)
            || subject.ships(dll)
            || subject.allows_library(dll)
        {
            continue;
        }
        let fix = if lower.starts_with("msvcp")
            || lower.starts_with("concrt")
            || lower.starts_with("vcomp")
        {
            "Python does not ship it: link the C++ library statically (/MT), or copy the DLL into the wheel (delvewheel)"
        } else {
            "link it statically, or copy the DLL into the wheel (delvewheel)"
        };
        findings.add(
            PE_IMPORT,
            Some(&member.path),
            format!("loads {dll}"),
            "Python's DLLs, the UCRT and Windows's own",
            fix,
        );
    }
}

/// `python3.dll`, `python312.dll`, `python313t.dll`.
pub fn is_python(dll: &str) -> bool {
    dll.strip_prefix("python3")
        .and_then(|rest| rest.strip_suffix(".dll"))
        .is_some_and(|rest| {
            rest.trim_end_matches('t')
                .chars()
                .all(|c| c.is_ascii_digit())
        })
}

/// `libpypy3.10-c.dll`, which `PyPy` brings.
fn is_pypy(dll: &str) -> bool {
    dll.strip_prefix("libpypy3.")
        .and_then(|rest| rest.strip_suffix("-c.dll"))
        .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
}

/// A DLL of Python must be there in every version that the tags name.
fn python(subject: &Subject<'_>, member: &Member, pe: &Pe, findings: &mut Findings) {
    let Some(name) = subject.wheel_name() else {
        return;
    };
    // Each tagged pair with the version that its Python's DLL has in its name; a
    // wheel for any Python may hold code for several, so there the suffix decides.
    let suffix = extension_module(member.file_name()).map(|(_, suffix)| suffix);
    let mut versions: Vec<String> = Vec::new();
    for python in &name.python {
        for abi in &name.abi {
            match (python.strip_prefix("cp"), abi.as_str()) {
                // Its own rule says what a stable-ABI module may load.
                (Some(_), "abi3" | "abi3t") | (None, _) => {}
                (Some(digits), "none") => {
                    versions.extend([digits.to_owned(), format!("{digits}t")]);
                }
                (Some(_), abi) => versions.extend(abi.strip_prefix("cp").map(str::to_owned)),
            }
        }
    }
    if versions.is_empty() {
        match suffix {
            Some(Suffix::Version(version)) => versions.push(version.to_owned()),
            // Modules of the stable ABI have a rule of their own.
            Some(_) if name.stable_abi().is_some() => return,
            Some(Suffix::Plain) if !pe.module_inits.is_empty() => {}
            None if name.stable_abi().is_some() => {}
            _ => return,
        }
    }
    for dll in &pe.dlls {
        let lower = dll.to_ascii_lowercase();
        if !is_python(&lower) || subject.ships(dll) {
            continue;
        }
        let loaded = lower.trim_start_matches("python").trim_end_matches(".dll");
        let stable = matches!(loaded, "3" | "3t");
        if stable || versions.iter().any(|v| v.trim_end_matches('m') == loaded) {
            continue;
        }
        let wanted: Vec<String> = versions.iter().map(|v| format!("python{v}.dll")).collect();
        findings.add(
            PE_PYTHON,
            Some(&member.path),
            format!("loads {dll}"),
            if wanted.is_empty() {
                "python3.dll, which every version has".to_owned()
            } else {
                wanted.join(" or ")
            },
            "build it with the Python that the tag names; others do not have this DLL",
        );
    }
}

/// DLLs of every Windows that Python supports, and the runtime that Python brings.
fn is_system(dll: &str) -> bool {
    if dll.starts_with("api-ms-win-") || dll.starts_with("ext-ms-") {
        return true;
    }
    SYSTEM.binary_search(&dll).is_ok()
}

/// Sorted. `vcruntime140*` come with CPython, the rest with Windows.
const SYSTEM: &[&str] = &[
    "aclui.dll",
    "activeds.dll",
    "advapi32.dll",
    "authz.dll",
    "avicap32.dll",
    "avifil32.dll",
    "avrt.dll",
    "bcrypt.dll",
    "bcryptprimitives.dll",
    "bthprops.cpl",
    "cabinet.dll",
    "cfgmgr32.dll",
    "clusapi.dll",
    "combase.dll",
    "comctl32.dll",
    "comdlg32.dll",
    "credui.dll",
    "crypt32.dll",
    "cryptbase.dll",
    "cryptnet.dll",
    "cryptui.dll",
    "cscapi.dll",
    "d2d1.dll",
    "d3d10.dll",
    "d3d10_1.dll",
    "d3d11.dll",
    "d3d12.dll",
    "d3d9.dll",
    "d3dcompiler_47.dll",
    "dbgcore.dll",
    "dbgeng.dll",
    "dbghelp.dll",
    "dcomp.dll",
    "ddraw.dll",
    "dhcpcsvc.dll",
    "dhcpcsvc6.dll",
    "dinput8.dll",
    "dnsapi.dll",
    "dsound.dll",
    "dsrole.dll",
    "dwmapi.dll",
    "dwrite.dll",
    "dxcore.dll",
    "dxgi.dll",
    "dxva2.dll",
    "esent.dll",
    "evr.dll",
    "fltlib.dll",
    "fwpuclnt.dll",
    "gdi32.dll",
    "gdiplus.dll",
    "glu32.dll",
    "hhctrl.ocx",
    "hid.dll",
    "httpapi.dll",
    "imagehlp.dll",
    "imm32.dll",
    "inetcomm.dll",
    "iphlpapi.dll",
    "kernel32.dll",
    "kernelbase.dll",
    "ksuser.dll",
    "ktmw32.dll",
    "loadperf.dll",
    "logoncli.dll",
    "lz32.dll",
    "mapi32.dll",
    "mf.dll",
    "mfcore.dll",
    "mfplat.dll",
    "mfreadwrite.dll",
    "mmdevapi.dll",
    "mpr.dll",
    "msacm32.dll",
    "mscms.dll",
    "mscoree.dll",
    "msctf.dll",
    "msi.dll",
    "msimg32.dll",
    "msvcp_win.dll",
    "msvcrt.dll",
    "msvfw32.dll",
    "mswsock.dll",
    "ncrypt.dll",
    "ndfapi.dll",
    "netapi32.dll",
    "netutils.dll",
    "newdev.dll",
    "normaliz.dll",
    "ntdll.dll",
    "ntdsapi.dll",
    "odbc32.dll",
    "ole32.dll",
    "oleacc.dll",
    "oleaut32.dll",
    "olepro32.dll",
    "opengl32.dll",
    "pdh.dll",
    "powrprof.dll",
    "propsys.dll",
    "psapi.dll",
    "quartz.dll",
    "query.dll",
    "rasapi32.dll",
    "rasdlg.dll",
    "resutils.dll",
    "rpcrt4.dll",
    "rstrtmgr.dll",
    "samcli.dll",
    "schannel.dll",
    "sechost.dll",
    "secur32.dll",
    "security.dll",
    "sensapi.dll",
    "setupapi.dll",
    "sfc.dll",
    "shcore.dll",
    "shell32.dll",
    "shlwapi.dll",
    "slc.dll",
    "snmpapi.dll",
    "srvcli.dll",
    "sspicli.dll",
    "synchronization.dll",
    "t2embed.dll",
    "tbs.dll",
    "tdh.dll",
    "ucrtbase.dll",
    "uiautomationcore.dll",
    "urlmon.dll",
    "user32.dll",
    "userenv.dll",
    "usp10.dll",
    "uxtheme.dll",
    "vcruntime140.dll",
    "vcruntime140_1.dll",
    "version.dll",
    "virtdisk.dll",
    "webservices.dll",
    "wer.dll",
    "wevtapi.dll",
    "winbio.dll",
    "windowscodecs.dll",
    "winhttp.dll",
    "wininet.dll",
    "winmm.dll",
    "winscard.dll",
    "winspool.drv",
    "wintrust.dll",
    "winusb.dll",
    "wkscli.dll",
    "wlanapi.dll",
    "wldap32.dll",
    "ws2_32.dll",
    "wscapi.dll",
    "wsock32.dll",
    "wtsapi32.dll",
    "xinput1_4.dll",
    "xinput9_1_0.dll",
    "xmllite.dll",
];

fn timestamp(subject: &Subject<'_>, member: &Member, pe: &Pe, findings: &mut Findings) {
    if pe.reproducible {
        return; // the linker put hashes of the content where times were
    }
    let fixed = [Some(ZIP_EPOCH), subject.policy.source_date_epoch];
    for (place, stamp) in &pe.timestamps {
        if fixed.contains(&Some(u64::from(*stamp))) {
            continue;
        }
        findings.add(
            PE_TIMESTAMP,
            Some(&member.path),
            format!("{place}: {stamp}"),
            "0, 1980-01-01, SOURCE_DATE_EPOCH, or a content hash",
            "link with /Brepro, or with SOURCE_DATE_EPOCH set",
        );
    }
}

fn hardening(member: &Member, pe: &Pe, findings: &mut Findings) {
    let missing: Vec<&str> = [
        (pe.dynamic_base, "DYNAMIC_BASE"),
        (pe.nx, "NX_COMPAT"),
        (pe.high_entropy || pe.machine == "x86", "HIGH_ENTROPY_VA"),
    ]
    .into_iter()
    .filter_map(|(on, name)| (!on).then_some(name))
    .collect();
    if !missing.is_empty() {
        findings.add(
            PE_HARDENING,
            Some(&member.path),
            format!("without {}", missing.join(", ")),
            "ASLR and no-execute",
            "link with /DYNAMICBASE /NXCOMPAT /HIGHENTROPYVA",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_pythons_own_dlls_are_known() {
        let mut sorted = SYSTEM.to_vec();
        sorted.sort_unstable();
        assert_eq!(sorted, SYSTEM);
        for dll in ["python3.dll", "python312.dll", "python313t.dll"] {
            assert!(is_python(dll), "{dll}");
        }
        assert!(!is_python("python3-evil.dll") && !is_python("python27.dll"));
        assert!(!is_system("msvcp140.dll"));
    }
}
