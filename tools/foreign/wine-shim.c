/* What wine 8 lacks and a wheel with LMDB and Rust's standard library needs. It
 * is built as bcryptprimitives.dll, which Rust's programs load by themselves and
 * wine does not have. For trying wheels under wine; it ships in nothing. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID, ULONG); /* RtlGenRandom */

#ifdef _WIN64
__declspec(dllexport) BOOL ProcessPrng(PBYTE data, SIZE_T size);
#else
/* Windows has it by this name, without what C compilers add on x86. */
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) __asm__("_ProcessPrng");
#endif

BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) {
    return SystemFunction036(data, (ULONG)size);
}

#ifdef _WIN64 /* LMDB's part: DaggerML has no wheel for x86 */
typedef LONG NTAPI create_section(HANDLE *, ACCESS_MASK, void *, LARGE_INTEGER *, ULONG, ULONG,
                                  HANDLE);
typedef LONG NTAPI allocate(HANDLE, void **, ULONG_PTR, SIZE_T *, ULONG, ULONG);
static create_section *old_create_section;
static allocate *old_allocate;

/* LMDB reserves a view that is larger than its file, which grows into it. wine
 * maps no more than the file has, so give it that much: a hole takes no disk. */
static LONG NTAPI new_create_section(HANDLE *section, ACCESS_MASK access, void *attributes,
                                     LARGE_INTEGER *size, ULONG protection, ULONG kind,
                                     HANDLE file) {
    if (file && kind == SEC_RESERVE) {
        FILE_END_OF_FILE_INFO end = {.EndOfFile.QuadPart = 1LL << 40};
        SetFileInformationByHandle(file, FileEndOfFileInfo, &end, sizeof end);
    }
    return old_create_section(section, access, attributes, size, protection, kind, file);
}

/* Committing pages of a view that are in the file already is no error. */
static LONG NTAPI new_allocate(HANDLE process, void **at, ULONG_PTR zero, SIZE_T *size, ULONG kind,
                               ULONG protection) {
    LONG status = old_allocate(process, at, zero, size, kind, protection);
    return status == (LONG)0xC0000021 /* STATUS_ALREADY_COMMITTED */ ? 0 : status;
}

/* Puts a jump over a system call's stub and returns a copy that still works:
 * wine's stubs are 32 bytes that name no place relative to themselves. */
static void *replace(const char *name, void *by) {
    enum { STUB = 32 };
    BYTE jump[12] = {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0}; /* mov rax, by; jmp rax */
    BYTE *stub = (BYTE *)GetProcAddress(GetModuleHandleA("ntdll.dll"), name);
    BYTE *copy = VirtualAlloc(NULL, STUB, MEM_COMMIT | MEM_RESERVE, PAGE_EXECUTE_READWRITE);
    DWORD before;
    CopyMemory(copy, stub, STUB);
    CopyMemory(jump + 2, &by, sizeof by);
    VirtualProtect(stub, sizeof jump, PAGE_EXECUTE_READWRITE, &before);
    CopyMemory(stub, jump, sizeof jump);
    return copy;
}

BOOL WINAPI DllMain(HINSTANCE own, DWORD reason, void *reserved) {
    if (reason == DLL_PROCESS_ATTACH) {
        old_create_section = replace("NtCreateSection", new_create_section);
        old_allocate = replace("NtAllocateVirtualMemory", new_allocate);
    }
    return TRUE;
}
#endif
