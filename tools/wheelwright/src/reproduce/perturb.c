/* Loaded into the programs of a second build (LD_PRELOAD): folders are listed
 * the other way round, and the calendar is 40 days, 11 hours and 7 seconds
 * ahead. File times and monotonic clocks stay true. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#define AHEAD (40 * 86400 + 11 * 3600 + 7)

struct listing {
    DIR *folder;
    struct dirent64 **entries;
    size_t left, all;
    struct listing *next;
};
static struct listing *listings;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct listing *list(DIR *folder) {
    struct dirent64 *(*next)(DIR *) = dlsym(RTLD_NEXT, "readdir64");
    struct listing *made = calloc(1, sizeof *made);
    made->folder = folder;
    for (struct dirent64 *entry; (entry = next(folder));) {
        made->entries = realloc(made->entries, (made->all + 1) * sizeof entry);
        made->entries[made->all] = malloc(entry->d_reclen);
        memcpy(made->entries[made->all++], entry, entry->d_reclen);
    }
    made->left = made->all;
    made->next = listings;
    return listings = made;
}

static void forget(DIR *folder) {
    pthread_mutex_lock(&lock);
    for (struct listing **at = &listings; *at; at = &(*at)->next) {
        struct listing *found = *at;
        if (found->folder == folder) {
            *at = found->next;
            while (found->all)
                free(found->entries[--found->all]);
            free(found->entries);
            free(found);
            break;
        }
    }
    pthread_mutex_unlock(&lock);
}

struct dirent64 *readdir64(DIR *folder) {
    pthread_mutex_lock(&lock);
    struct listing *found = listings;
    while (found && found->folder != folder)
        found = found->next;
    if (!found)
        found = list(folder);
    struct dirent64 *entry = found->left ? found->entries[--found->left] : NULL;
    pthread_mutex_unlock(&lock);
    return entry;
}

/* On 64-bit Linux both have one layout. */
struct dirent *readdir(DIR *folder) { return (struct dirent *)readdir64(folder); }

int closedir(DIR *folder) {
    int (*real)(DIR *) = dlsym(RTLD_NEXT, "closedir");
    forget(folder);
    return real(folder);
}

void rewinddir(DIR *folder) {
    void (*real)(DIR *) = dlsym(RTLD_NEXT, "rewinddir");
    forget(folder);
    real(folder);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += AHEAD;
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    int (*real)(struct timeval *, void *) = dlsym(RTLD_NEXT, "gettimeofday");
    int result = real(now, zone);
    if (result == 0)
        now->tv_sec += AHEAD;
    return result;
}

time_t time(time_t *now) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (now)
        *now = precise.tv_sec;
    return precise.tv_sec;
}
