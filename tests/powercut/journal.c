/* Notes what programs do to the files under one folder, in one order, with the data.
 *
 * Loaded by LD_PRELOAD. POWERCUT_FOLDER: the folder, by its real path; POWERCUT_JOURNAL: the file
 * that is appended to, each note by one writev(). A change is noted when it is done and before its
 * caller goes on, a sync when it begins and when it has succeeded: so a sync vouches for no write
 * that was still on its way. What cannot be followed is noted as UNKNOWN, and replaying it refused.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, TRUNCATE, GROW, SYNC_BEGINS, SYNCED, UNLINK, RENAME, OPENED, EMPTIED, STREAM,
       MKDIR, RMDIR, UNKNOWN };

static int journal = -1;
/* A copy: PostgreSQL's processes write their titles over the environment. */
static char folder[PATH_MAX];
static size_t folder_length;

struct __attribute__((packed)) head {
    uint8_t what;
    uint32_t who;
    uint16_t path, other; /* lengths of two texts that follow */
    uint64_t at, length;  /* of the data that follow them */
};

__attribute__((constructor)) static void begin(void) {
    const char *told = getenv("POWERCUT_FOLDER"), *to = getenv("POWERCUT_JOURNAL");
    if (!told || !to) return;
    int made = syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
    /* Out of the way of programs that close or count the small numbers. */
    journal = fcntl(made, F_DUPFD_CLOEXEC, 180);
    if (made < 0 || journal < 0) abort();
    syscall(SYS_close, made);
    snprintf(folder, sizeof folder, "%s", told);
    folder_length = strlen(folder);
}

static void note_all(uint8_t what, const char *path, const char *other, uint64_t at,
                     const struct iovec *parts, int count, uint64_t length) {
    int before = errno;
    struct head head = {what, syscall(SYS_gettid), strlen(path), strlen(other), at, length};
    struct iovec all[3 + count];
    all[0] = (struct iovec){&head, sizeof head};
    all[1] = (struct iovec){(void *)path, head.path};
    all[2] = (struct iovec){(void *)other, head.other};
    size_t size = sizeof head + head.path + head.other + length;
    int used = 3;
    for (int one = 0; one < count && length; one++) { /* of a short write what was written */
        size_t part = parts[one].iov_len < length ? parts[one].iov_len : length;
        all[used++] = (struct iovec){parts[one].iov_base, part};
        length -= part;
    }
    if (syscall(SYS_writev, journal, all, used) != (ssize_t)size) abort();
    errno = before;
}

static void note(uint8_t what, const char *path, const char *other, uint64_t at) {
    note_all(what, path, other, at, NULL, 0, 0);
}

static int is_ours(const char *path) {
    if (journal < 0 || strncmp(path, folder, folder_length)) return 0;
    if (path[folder_length] && path[folder_length] != '/') return 0;
    size_t length = strlen(path);
    /* SQLite's shared memory is made anew after a crash. */
    if (length > 4 && !strcmp(path + length - 4, "-shm")) return 0;
    return !(length > 10 && !strcmp(path + length - 10, " (deleted)"));
}

static void link_of(int fd, char *path) {
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
}

static int path_of(int fd, char *path) {
    if (journal < 0 || fd < 0 || fd == journal) return 0;
    int before = errno;
    link_of(fd, path);
    errno = before;
    return is_ours(path);
}

static int whole(int at, const char *name, char *path) {
    if (journal < 0) return 0;
    int before = errno;
    path[0] = 0;
    if (name[0] != '/') {
        if (at != AT_FDCWD) link_of(at, path);
        else if (!getcwd(path, PATH_MAX)) path[0] = 0;
        strcat(path, "/");
    }
    if (strlen(path) + strlen(name) >= PATH_MAX) abort();
    strcat(path, name);
    errno = before;
    return is_ours(path);
}

/* Contents */

static ssize_t written(int fd, int64_t at, const struct iovec *parts, int count, ssize_t done) {
    char path[PATH_MAX];
    if (done > 0 && path_of(fd, path)) {
        if (at < 0) at = lseek(fd, 0, SEEK_CUR) - done;
        note_all(WRITE, path, "", at, parts, count, done);
    }
    return done;
}

#define ONE &(struct iovec){(void *)data, length}, 1

ssize_t write(int fd, const void *data, size_t length) {
    return written(fd, -1, ONE, syscall(SYS_write, fd, data, length));
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    return written(fd, -1, parts, count, syscall(SYS_writev, fd, parts, count));
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
    return written(fd, at, ONE, syscall(SYS_pwrite64, fd, data, length, at));
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at) {
    return pwrite64(fd, data, length, at);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
    return written(fd, at, parts, count, syscall(SYS_pwritev, fd, parts, count, at, 0L));
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    return pwritev64(fd, parts, count, at);
}

int ftruncate64(int fd, off64_t size) {
    char path[PATH_MAX];
    int failed = syscall(SYS_ftruncate, fd, size);
    if (!failed && path_of(fd, path)) note(TRUNCATE, path, "", size);
    return failed;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int truncate64(const char *name, off64_t size) {
    char path[PATH_MAX];
    int failed = syscall(SYS_truncate, name, size);
    if (!failed && whole(AT_FDCWD, name, path)) note(TRUNCATE, path, "", size);
    return failed;
}

int truncate(const char *name, off_t size) { return truncate64(name, size); }

int fallocate64(int fd, int mode, off64_t at, off64_t length) {
    char path[PATH_MAX];
    int failed = syscall(SYS_fallocate, fd, mode, at, length);
    if (!failed && path_of(fd, path)) note(mode ? UNKNOWN : GROW, path, "fallocate", at + length);
    return failed;
}

int fallocate(int fd, int mode, off_t at, off_t length) { return fallocate64(fd, mode, at, length); }

int posix_fallocate64(int fd, off64_t at, off64_t length) {
    int before = errno, failed = fallocate64(fd, 0, at, length) ? errno : 0;
    errno = before;
    return failed;
}

int posix_fallocate(int fd, off_t at, off_t length) { return posix_fallocate64(fd, at, length); }

/* Syncs */

static int synced(int fd, long call) {
    char path[PATH_MAX];
    if (!path_of(fd, path)) return syscall(call, fd);
    note(SYNC_BEGINS, path, "", 0);
    int failed = syscall(call, fd);
    usleep(1000); /* memory syncs at once, a disk does not: who does not wait for it is to be seen */
    if (!failed) note(SYNCED, path, "", 0);
    return failed;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

/* Names */

static int opened(int at, const char *name, int flags, mode_t mode) {
    char path[PATH_MAX];
    int fd = syscall(SYS_openat, at, name, flags, mode);
    if ((flags & O_ACCMODE) == O_RDONLY && !(flags & (O_CREAT | O_TRUNC))) return fd;
    if (!path_of(fd, path)) return fd;
    if (flags & O_DSYNC || (flags & O_TMPFILE) == O_TMPFILE) note(UNKNOWN, path, "open", flags);
    else if (flags & O_TRUNC) note(EMPTIED, path, "", 0);
    else if (flags & O_CREAT) note(OPENED, path, "", 0);
    return fd;
}

#define OPEN(name, at, ...)                                            \
    int name(__VA_ARGS__ const char *path, int flags, ...) {           \
        va_list more;                                                  \
        va_start(more, flags);                                         \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0; \
        va_end(more);                                                  \
        return opened(at, path, flags, mode);                          \
    }

#define BELOW int at,
OPEN(open, AT_FDCWD)
OPEN(open64, AT_FDCWD)
OPEN(openat, at, BELOW)
OPEN(openat64, at, BELOW)

int __open_2(const char *name, int flags) { return opened(AT_FDCWD, name, flags, 0); }
int __open64_2(const char *name, int flags) { return opened(AT_FDCWD, name, flags, 0); }

/* What the C library's own streams write is not seen: the contents count as unknown. */
static FILE *streamed(const char *call, const char *name, const char *mode) {
    char path[PATH_MAX];
    FILE *(*real)(const char *, const char *) = dlsym(RTLD_NEXT, call);
    FILE *made = real(name, mode);
    if (made && strpbrk(mode, "wa+") && whole(AT_FDCWD, name, path)) note(STREAM, path, "", 0);
    return made;
}

FILE *fopen(const char *name, const char *mode) { return streamed("fopen", name, mode); }
FILE *fopen64(const char *name, const char *mode) { return streamed("fopen64", name, mode); }

int renameat2(int at, const char *name, int to, const char *other, unsigned flags) {
    char path[PATH_MAX], new[PATH_MAX];
    int failed = syscall(SYS_renameat2, at, name, to, other, flags);
    if (failed) return failed;
    int left = whole(at, name, path), right = whole(to, other, new);
    if (left || right) note(left && right && !flags ? RENAME : UNKNOWN, path, new, 0);
    return failed;
}

int renameat(int at, const char *name, int to, const char *other) {
    return renameat2(at, name, to, other, 0);
}

int rename(const char *name, const char *other) {
    return renameat2(AT_FDCWD, name, AT_FDCWD, other, 0);
}

int unlinkat(int at, const char *name, int flags) {
    char path[PATH_MAX];
    int failed = syscall(SYS_unlinkat, at, name, flags);
    if (!failed && whole(at, name, path)) note(flags & AT_REMOVEDIR ? RMDIR : UNLINK, path, "", 0);
    return failed;
}

int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }

int mkdirat(int at, const char *name, mode_t mode) {
    char path[PATH_MAX];
    int failed = syscall(SYS_mkdirat, at, name, mode);
    if (!failed && whole(at, name, path)) note(MKDIR, path, "", 0);
    return failed;
}

int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

/* What is not followed */

static void unknown(int fd, const char *what) {
    char path[PATH_MAX];
    if (path_of(fd, path)) note(UNKNOWN, path, what, 0);
}

ssize_t copy_file_range(int fd, off64_t *at, int to, off64_t *other, size_t length, unsigned flags) {
    unknown(to, "copy_file_range");
    return syscall(SYS_copy_file_range, fd, at, to, other, length, flags);
}

ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t at, int flags) {
    unknown(fd, "pwritev2");
    return syscall(SYS_pwritev2, fd, parts, count, at, 0L, flags);
}

void *mmap64(void *where, size_t length, int access, int flags, int fd, off64_t at) {
    if (fd >= 0 && access & PROT_WRITE && flags & MAP_SHARED) unknown(fd, "mmap");
    return (void *)syscall(SYS_mmap, where, length, access, flags, fd, at);
}

void *mmap(void *where, size_t length, int access, int flags, int fd, off_t at) {
    return mmap64(where, length, access, flags, fd, at);
}

int link(const char *name, const char *other) {
    char path[PATH_MAX];
    int failed = syscall(SYS_linkat, AT_FDCWD, name, AT_FDCWD, other, 0);
    if (!failed && whole(AT_FDCWD, other, path)) note(UNKNOWN, path, "link", 0);
    return failed;
}

int symlink(const char *to, const char *name) {
    char path[PATH_MAX];
    int failed = syscall(SYS_symlinkat, to, AT_FDCWD, name);
    if (!failed && whole(AT_FDCWD, name, path)) note(UNKNOWN, path, "symlink", 0);
    return failed;
}
