//! The catalogue of rules: one line each. `docs/spec/audit.md` lists the
//! same ids, and a test keeps the two equal.

use super::finding::Severity;
use super::policy::Profile;

/// One rule of the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its name in findings, policies and documents.
    pub id: &'static str,
    /// How bad it is to break it.
    pub severity: Severity,
    /// The least strict profile that has it.
    pub profile: Profile,
    /// What must hold.
    pub summary: &'static str,
}

macro_rules! rules {
    ($($name:ident $id:literal $severity:ident $profile:ident $summary:literal;)*) => {
        $(
            #[doc = $summary]
            pub const $name: Rule = Rule {
                id: $id,
                severity: Severity::$severity,
                profile: Profile::$profile,
                summary: $summary,
            };
        )*
        /// Every rule, grouped as the documents group them.
        pub const RULES: &[Rule] = &[$($name),*];
    };
}

rules! {
    NAME_FORMAT "name-format" Error Index "the file name has the parts that its kind requires";
    NAME_NORMAL "name-normal" Warning Ours "the version in a wheel's file name is spelled as PEP 440 does";
    SIZE_BUDGET "size-budget" Error Index "the artifact is no larger than its budget";

    ZIP_DATA "zip-data" Error Index "every member unpacks to its declared size and CRC";
    ZIP_LIMIT "zip-limit" Error Index "the archive unpacks to a sane size";
    ZIP_METHOD "zip-method" Error Index "members are stored or deflated, never encrypted";
    ZIP_DUPLICATE "zip-duplicate" Error Index "no two members have one name";
    ZIP_CASE "zip-case" Warning Index "no two names differ only by case";
    ZIP_SYMLINK "zip-symlink" Error Index "members are files and folders, not links or devices";
    ZIP_PATH "zip-path" Error Index "paths are relative, stay inside, and mean the same everywhere";
    ZIP_HEADER "zip-header" Error Index "each local header repeats the central directory";
    ZIP_SURPLUS "zip-surplus" Error Index "every byte belongs to an entry or the directory";
    ZIP_OVERLAP "zip-overlap" Error Index "no two entries share bytes";
    ZIP_END "zip-end" Error Index "the end record tells the truth";
    ZIP_DESCRIPTOR "zip-descriptor" Error Index "sizes stand before the data, in no data descriptor";
    ZIP_COMMENT "zip-comment" Error Index "no entry has a comment";
    ZIP_ORDER "zip-order" Warning Ours "members are sorted, .dist-info last and RECORD at its end";
    ZIP_TIME "zip-time" Warning Ours "all members carry one fixed time";
    ZIP_MODE "zip-mode" Warning Ours "members have mode 0644 or 0755";
    ZIP_EXTRA "zip-extra" Warning Ours "no extra fields and no archive comment";
    ZIP_FOLDER "zip-folder" Warning Ours "there are no entries for folders";

    RECORD_MISSING "record-missing" Error Index "a wheel has one RECORD";
    RECORD_FORMAT "record-format" Error Index "RECORD is a CSV of path, hash and size, each path once";
    RECORD_COMPLETE "record-complete" Error Index "RECORD lists exactly the files in the wheel";
    RECORD_HASH "record-hash" Error Index "every hash in RECORD is right and strong";
    RECORD_SIZE "record-size" Error Index "every size in RECORD is right";

    METADATA_MISSING "metadata-missing" Error Index "a wheel has METADATA in its .dist-info";
    METADATA_FORMAT "metadata-format" Error Index "metadata is UTF-8 lines of `Name: value`";
    METADATA_FIELD "metadata-field" Error Index "fields are known, single where they must be, and valid";
    METADATA_AGREE "metadata-agree" Error Index "file name, .dist-info and metadata name one project and version";
    METADATA_SPEC "metadata-spec" Warning Ours "fields say what core metadata asks, where an index lets more pass";
    METADATA_VERSION "metadata-version" Warning Ours "Metadata-Version is 2.4 or later";
    ENTRY_POINTS "entry-points" Error Index "the file of entry points is INI; scripts have plain names and name a function";
    ENTRY_POINTS_REFERENCE "entry-points-reference" Warning Ours "other entry points name a module or an object in one";
    SCRIPT_NAME "script-name" Error Index "no script is lost because of its name on a tagged system";

    LICENSE_EXPRESSION "license-expression" Error Index "License-Expression is SPDX and stands without the field License";
    LICENSE_CLASSIFIER "license-classifier" Warning Ours "no licence classifiers stand beside License-Expression";
    LICENSE_FILES "license-files" Error Index "every License-File named is in the artifact";
    LICENSE_PRESENT "license-present" Warning Ours "licence expression and licence text are there";
    README_RENDERS "readme-renders" Error Index "the description renders as the type it names";
    README_PRESENT "readme-present" Warning Ours "there is a description with its type";
    README_LINKS "readme-links" Warning Ours "links in the description are absolute";

    WHEEL_FILE "wheel-file" Error Index "WHEEL is there, of version 1, with its fields";
    WHEEL_DATA "wheel-data" Error Index "files in .data stand below a scheme that installers know, in the wheel's own folder";
    TAG_AGREE "tag-agree" Error Index "file name and WHEEL list the same tags and build number";
    TAG_PURE "tag-pure" Error Index "a wheel for any platform has no compiled code, one for a platform has some";
    TAG_LOCAL "tag-local" Error Index "every tag is one that an index takes and some installer asks for";
    TAG_MACHINE "tag-machine" Error Index "compiled code is of the format and machine that the tag names";
    TAG_ABI "tag-abi" Error Index "extension suffixes are ones that a tagged Python looks for on the tagged platform";
    BINARY_READABLE "binary-readable" Error Index "files that begin like compiled code can be read as such";

    ELF_VERSION "elf-version" Error Index "symbol versions are ones that the tag promises";
    ELF_ISA "elf-isa" Error Index "code asks for no more than the tag's first processors have";
    ELF_NEEDED "elf-needed" Error Index "needed libraries are promised by the tag or in the wheel";
    ELF_RPATH_FOREIGN "elf-rpath-foreign" Error Ours "search paths stay inside the wheel";
    ELF_RPATH "elf-rpath" Warning Ours "there is no RPATH or RUNPATH";
    ELF_STACK "elf-stack" Error Index "the stack is not executable";
    ELF_RELRO "elf-relro" Warning Ours "relocations are read-only after loading";
    ELF_TEXTREL "elf-textrel" Warning Ours "code is not patched at load time";

    MACHO_MIN_OS "macho-min-os" Error Index "the lowest macOS a binary needs is no higher than the tag's";
    MACHO_DYLIB "macho-dylib" Error Index "libraries loaded are the system's or in the wheel";
    MACHO_SIGNATURE "macho-signature" Error Index "arm64 code is signed and every page hash is right";
    MACHO_RPATH "macho-rpath" Warning Ours "search paths are relative to the file that loads";

    PE_IMPORT "pe-import" Error Index "DLLs loaded are Python's, Windows's or in the wheel";
    PE_PYTHON "pe-python" Error Index "Python's own DLL is that of the tagged version";
    PE_TIMESTAMP "pe-timestamp" Warning Ours "no link time is recorded";
    PE_HARDENING "pe-hardening" Warning Ours "ASLR and no-execute are on";

    ABI3_SYMBOL "abi3-symbol" Error Index "only stable-ABI symbols of the tagged version are used";
    ABI3_LINK "abi3-link" Error Index "a stable-ABI module loads no version's own Python library";

    MODULE_INIT "module-init" Error Index "an extension module exports the function Python calls to load it";
    MODULE_NAME "module-name" Warning Ours "module and package names can be imported";
    MODULE_PRESENT "module-present" Warning Ours "the wheel installs something to import or run";
    TOP_LEVEL "top-level" Warning Ours "top-level names are the project's own";
    PY_TYPED "py-typed" Warning Ours "a package with stubs says so with py.typed";
    ENCRYPTED_SOURCE "encrypted-source" Error Index "no Python source is encrypted";
    LEFTOVER "leftover" Warning Ours "no caches, editor files, VCS folders or debug files are packed";
    PATH_LEAK "path-leak" Warning Ours "no path of the machine that built it is inside";
    DEBUG_INFO "debug-info" Warning Ours "compiled code carries no debug information";

    SDIST_DATA "sdist-data" Error Index "the archive can be read to its end";
    SDIST_SURPLUS "sdist-surplus" Error Index "nothing follows the archive";
    SDIST_ROOT "sdist-root" Error Index "everything is in one folder";
    SDIST_PATH "sdist-path" Error Index "paths are relative and stay inside";
    SDIST_LINK "sdist-link" Error Index "links stay inside; there are no devices";
    SDIST_DUPLICATE "sdist-duplicate" Error Index "no two members have one path";
    SDIST_METADATA "sdist-metadata" Error Index "PKG-INFO is at the top";
    SDIST_FOLDER "sdist-folder" Warning Ours "the folder is called like the file";
    SDIST_PYPROJECT "sdist-pyproject" Warning Ours "pyproject.toml is at the top";
    SDIST_ORDER "sdist-order" Warning Ours "members are sorted";
    SDIST_TIME "sdist-time" Warning Ours "all members, and the gzip header, carry one fixed time";
    SDIST_OWNER "sdist-owner" Warning Ours "owners are 0 and unnamed";
    SDIST_MODE "sdist-mode" Warning Ours "files have mode 0644 or 0755, folders 0755";
}

/// Finds a rule by its id.
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_kebab_case() {
        let mut ids: Vec<_> = RULES.iter().map(|r| r.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), RULES.len());
        for id in ids {
            assert!(
                id.chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
                "{id}"
            );
        }
    }
}
