/* What qemu's user emulation lacks for LMDB on musl, and on glibc for some processors.
 *
 * qemu has no system calls for robust lists. musl asks for one before it makes a
 * mutex robust, and refuses; glibc does so on ppc64le and riscv64. So under qemu a lock is a plain one
 * between processes here: that one ends with the lock held is not tried.
 */
#include <pthread.h>

int pthread_mutexattr_setrobust(pthread_mutexattr_t *attributes, int robust)
{
    (void)attributes;
    (void)robust;
    return 0;
}
