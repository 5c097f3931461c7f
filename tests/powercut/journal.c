/* Notes what a program does to the files under one folder, in one order, with the data.
 *
 * Loaded by LD_PRELOAD. POWERCUT_FOLDER: the folder; POWERCUT_JOURNAL: the file that is appended to.
 * A write is noted when it is done, a sync when it begins and when it has succeeded: so a sync vouches
 * for no write that was still on its way. Each note is one write() to a file opened with O_APPEND.
 * Calls that SQLite does not make to its files are not here.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, TRUNCATE, SYNC_BEGINS, SYNCED, UNLINK, RENAME, EMPTIED };

static int journal = -1;
static const char *folder;
static size_t folder_length;

__attribute__((constructor)) static void begin(void) {
    folder = getenv("POWERCUT_FOLDER");
    const char *to = getenv("POWERCUT_JOURNAL");
    if (!folder || !to) return;
    folder_length = strlen(folder);
    journal = syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static int is_ours(const char *path) {
    return journal >= 0 && strncmp(path, folder, folder_length) == 0;
}

static int path_of(int fd, char *path, size_t room) {
    if (journal < 0 || fd == journal) return 0;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, room - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_ours(path);
}

static void note(uint8_t what, const char *path, uint64_t at, const void *data, uint64_t length) {
    int before = errno;
    uint16_t named = strlen(path);
    uint32_t who = syscall(SYS_gettid);
    size_t size = 1 + 4 + 2 + 8 + 8 + named + length;
    char *told = malloc(size), *end = told;
    *end++ = what;
    memcpy(end, &who, 4); end += 4;
    memcpy(end, &named, 2); end += 2;
    memcpy(end, &at, 8); end += 8;
    memcpy(end, &length, 8); end += 8;
    memcpy(end, path, named); end += named;
    if (length) memcpy(end, data, length);
    if (syscall(SYS_write, journal, told, size) != (ssize_t)size) abort();
    free(told);
    errno = before;
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
    REAL(pwrite64);
    ssize_t done = real(fd, data, length, at);
    char path[4096];
    if (done > 0 && path_of(fd, path, sizeof path)) note(WRITE, path, at, data, done);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at) {
    return pwrite64(fd, data, length, at);
}

ssize_t write(int fd, const void *data, size_t length) {
    REAL(write);
    ssize_t done = real(fd, data, length);
    char path[4096];
    if (done > 0 && journal >= 0 && path_of(fd, path, sizeof path)) {
        off_t after = lseek(fd, 0, SEEK_CUR);
        if (after >= done) note(WRITE, path, after - done, data, done);
    }
    return done;
}

static void note_parts(const char *path, const struct iovec *parts, int count, off_t at, ssize_t done) {
    for (int one = 0; one < count && done > 0; one++) {
        size_t length = parts[one].iov_len < (size_t)done ? parts[one].iov_len : (size_t)done;
        note(WRITE, path, at, parts[one].iov_base, length);
        at += length;
        done -= length;
    }
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
    REAL(pwritev64);
    ssize_t done = real(fd, parts, count, at);
    char path[4096];
    if (done > 0 && path_of(fd, path, sizeof path)) note_parts(path, parts, count, at, done);
    return done;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    return pwritev64(fd, parts, count, at);
}

int ftruncate64(int fd, off64_t length) {
    REAL(ftruncate64);
    int failed = real(fd, length);
    char path[4096];
    if (!failed && path_of(fd, path, sizeof path)) note(TRUNCATE, path, length, 0, 0);
    return failed;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int posix_fallocate64(int fd, off64_t at, off64_t length) {
    REAL(posix_fallocate64);
    int failed = real(fd, at, length);
    char path[4096];
    struct stat now;
    if (!failed && path_of(fd, path, sizeof path) && !fstat(fd, &now))
        note(TRUNCATE, path, now.st_size, 0, 0);
    return failed;
}

int posix_fallocate(int fd, off_t at, off_t length) { return posix_fallocate64(fd, at, length); }

#define SYNC(name) \
    int name(int fd) { \
        REAL(name); \
        char path[4096]; \
        int ours = path_of(fd, path, sizeof path); \
        if (ours) note(SYNC_BEGINS, path, 0, 0, 0); \
        int failed = real(fd); \
        if (ours && !failed) note(SYNCED, path, 0, 0, 0); \
        return failed; \
    }

SYNC(fsync)
SYNC(fdatasync)

int unlink(const char *path) {
    REAL(unlink);
    char whole[4096];
    int named = journal >= 0 && realpath(path, whole) && is_ours(whole);
    int failed = real(path);
    if (!failed && named) note(UNLINK, whole, 0, 0, 0);
    return failed;
}

int rename(const char *from, const char *to) {
    REAL(rename);
    char old[4096], new[4096];
    int named = journal >= 0 && realpath(from, old) && is_ours(old);
    int failed = real(from, to);
    if (!failed && named && realpath(to, new)) note(RENAME, old, 0, new, strlen(new));
    return failed;
}

static void note_emptied(int fd, int flags) {
    char path[4096];
    if (fd >= 0 && (flags & (O_TRUNC | O_CREAT)) && path_of(fd, path, sizeof path)) {
        struct stat now;
        if (!fstat(fd, &now) && S_ISREG(now.st_mode) && now.st_size == 0) note(EMPTIED, path, 0, 0, 0);
    }
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        int fd = real(path, flags, mode); \
        note_emptied(fd, flags); \
        return fd; \
    }

OPEN(open)
OPEN(open64)
