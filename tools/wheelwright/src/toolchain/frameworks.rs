//! What a Mac has and zig has no stub of: Apple's frameworks and a few libraries.
//!
//! A stub says where macOS keeps a library, which is all that a linker writes down of
//! it. Which of them has a symbol is found when the program is loaded
//! (`-undefined dynamic_lookup`), so no list of symbols is needed.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// This file, which decides over what wrappers do.
pub const SOURCE: &str = include_str!("frameworks.rs");

/// The public frameworks of macOS 11, so that a misspelt one is an error here and not
/// on somebody's Mac.
const FRAMEWORKS: &[&str] = &[
    "AVFoundation",
    "AVKit",
    "Accelerate",
    "Accessibility",
    "Accounts",
    "AdSupport",
    "AppKit",
    "AppleScriptKit",
    "ApplicationServices",
    "AudioToolbox",
    "AudioUnit",
    "AuthenticationServices",
    "Automator",
    "BackgroundTasks",
    "BusinessChat",
    "CFNetwork",
    "CallKit",
    "Carbon",
    "ClassKit",
    "CloudKit",
    "Cocoa",
    "Collaboration",
    "ColorSync",
    "Combine",
    "Contacts",
    "ContactsUI",
    "CoreAudio",
    "CoreAudioKit",
    "CoreBluetooth",
    "CoreData",
    "CoreDisplay",
    "CoreFoundation",
    "CoreGraphics",
    "CoreHaptics",
    "CoreImage",
    "CoreLocation",
    "CoreMIDI",
    "CoreML",
    "CoreMedia",
    "CoreMediaIO",
    "CoreMotion",
    "CoreServices",
    "CoreSpotlight",
    "CoreTelephony",
    "CoreText",
    "CoreVideo",
    "CoreWLAN",
    "CryptoTokenKit",
    "DeviceCheck",
    "DirectoryService",
    "DiscRecording",
    "DiskArbitration",
    "EventKit",
    "ExceptionHandling",
    "ExternalAccessory",
    "FileProvider",
    "FinderSync",
    "ForceFeedback",
    "Foundation",
    "GLKit",
    "GLUT",
    "GSS",
    "GameController",
    "GameKit",
    "Hypervisor",
    "IOBluetooth",
    "IOKit",
    "IOSurface",
    "ImageCaptureCore",
    "ImageIO",
    "InputMethodKit",
    "Intents",
    "JavaScriptCore",
    "Kerberos",
    "LDAP",
    "LocalAuthentication",
    "MapKit",
    "MediaAccessibility",
    "MediaPlayer",
    "MediaToolbox",
    "Metal",
    "MetalKit",
    "MetalPerformanceShaders",
    "MetricKit",
    "ModelIO",
    "MultipeerConnectivity",
    "NaturalLanguage",
    "NearbyInteraction",
    "NetFS",
    "Network",
    "NetworkExtension",
    "NotificationCenter",
    "OSAKit",
    "OpenAL",
    "OpenCL",
    "OpenDirectory",
    "OpenGL",
    "PCSC",
    "PDFKit",
    "ParavirtualizedGraphics",
    "PassKit",
    "Photos",
    "PhotosUI",
    "PushKit",
    "Quartz",
    "QuartzCore",
    "QuickLook",
    "QuickLookThumbnailing",
    "SafariServices",
    "SceneKit",
    "ScreenSaver",
    "ScreenTime",
    "ScriptingBridge",
    "Security",
    "SecurityFoundation",
    "SecurityInterface",
    "ServiceManagement",
    "Social",
    "SoundAnalysis",
    "Speech",
    "SpriteKit",
    "StoreKit",
    "SwiftUI",
    "SyncServices",
    "System",
    "SystemConfiguration",
    "SystemExtensions",
    "TWAIN",
    "Tcl",
    "Tk",
    "UniformTypeIdentifiers",
    "UserNotifications",
    "VideoSubscriberAccount",
    "VideoToolbox",
    "Virtualization",
    "Vision",
    "WebKit",
    "WidgetKit",
    "vecLib",
    "vmnet",
];

/// Frameworks whose version is not `A`.
const VERSIONS: &[(&str, &str)] = &[("AppKit", "C"), ("Foundation", "C")];

/// Libraries of `/usr/lib` by what follows `-l`, and their files.
const LIBRARIES: &[(&str, &str)] = &[
    ("bz2", "libbz2.1.0.dylib"),
    ("compression", "libcompression.dylib"),
    ("edit", "libedit.3.dylib"),
    ("ncurses", "libncurses.5.4.dylib"),
    ("objc", "libobjc.A.dylib"),
    ("pam", "libpam.2.dylib"),
    ("proc", "libproc.dylib"),
    ("resolv", "libresolv.9.dylib"),
    ("sandbox", "libsandbox.1.dylib"),
    ("sqlite3", "libsqlite3.dylib"),
    ("xml2", "libxml2.2.dylib"),
    ("z", "libz.1.dylib"),
];

/// The folders of stubs for what `arguments` link, to be searched last; none if they
/// link nothing of the kind. The stubs are written into `folder`.
///
/// # Errors
/// A stub cannot be written.
pub(super) fn stubs(arguments: &[OsString], folder: &Path) -> io::Result<Vec<OsString>> {
    let whole = || arguments.iter().filter_map(|one| one.to_str());
    let texts = || whole().flat_map(|text| text.strip_prefix("-Wl,").unwrap_or(text).split(','));
    let mut searched = false;
    for (option, name) in texts().zip(texts().skip(1)) {
        if option.ends_with("framework")
            && option.starts_with('-')
            && FRAMEWORKS.binary_search(&name).is_ok()
        {
            let version = VERSIONS.iter().find(|(known, _)| *known == name);
            let version = version.map_or("A", |(_, version)| version);
            let framework = format!("{name}.framework");
            let place = format!("/System/Library/Frameworks/{framework}/Versions/{version}/{name}");
            write(&folder.join(framework), name, &place)?;
            searched = true;
        }
    }
    for (name, file) in LIBRARIES {
        if texts().any(|text| text.strip_prefix("-l") == Some(*name)) {
            write(folder, &format!("lib{name}"), &format!("/usr/lib/{file}"))?;
            searched = true;
        }
    }
    let mut options = Vec::new();
    if searched {
        for option in ["-F", "-L"] {
            options.extend([option.into(), folder.as_os_str().to_owned()]);
        }
        options.extend(["-undefined", "dynamic_lookup"].map(OsString::from));
    }
    Ok(options)
}

/// Writes the stub of the library at `place`, all or nothing: several linkers may run.
fn write(folder: &Path, name: &str, place: &str) -> io::Result<()> {
    let path: PathBuf = folder.join(format!("{name}.tbd"));
    if path.is_file() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    write!(
        file,
        "--- !tapi-tbd\ntbd-version: 4\ntargets: [ x86_64-macos, arm64-macos ]\n\
         install-name: '{place}'\ncurrent-version: 1.0\n...\n"
    )?;
    file.persist(path).map(|_| ()).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str, folder: &Path) -> usize {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        stubs(&arguments, folder).unwrap().len()
    }

    #[test]
    fn a_stub_says_where_macos_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let there = |path: &str| std::fs::read_to_string(folder.path().join(path));
        assert_eq!(options("-o x -framework NoSuch -lm", folder.path()), 0);
        assert_eq!(
            options(
                "-framework Foundation -lobjc -framework IOKit",
                folder.path()
            ),
            6
        );
        for (path, place) in [
            (
                "Foundation.framework/Foundation.tbd",
                "Foundation.framework/Versions/C/Foundation'",
            ),
            (
                "IOKit.framework/IOKit.tbd",
                "IOKit.framework/Versions/A/IOKit'",
            ),
            ("libobjc.tbd", "'/usr/lib/libobjc.A.dylib'"),
        ] {
            let text = there(path).unwrap();
            assert!(text.contains(place), "{text}");
        }
        assert!(there("NoSuch.framework").is_err());
    }

    #[test]
    fn the_list_can_be_searched() {
        assert!(FRAMEWORKS.is_sorted());
    }
}
