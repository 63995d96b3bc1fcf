// Preloaded into a program, it fails what the program does with certain files, as a failing disk would.
//
// FAULT_FILES is the beginning of the paths concerned. FAULT_CONTROL names a file of five 64-bit numbers, which a test may
// write at any time: how many operations were counted, the first that fails and the first after it that does not (from 1), which
// operations are counted (a bit each, below), and how one fails: an errno, or one of the two ways below.
//
// A write that fails has written half of its sectors: a disk writes one of these whole or not at all.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN = 1, READ = 2, WRITE = 4, SYNC = 8, TRUNCATE = 16, REMOVE = 32 };

// In place of an errno: the program is killed, before it has done it or after.
enum { KILLED_BEFORE = 1000, KILLED_AFTER = 1001 };

struct control {
  _Atomic uint64_t count, first, end, operations, how;
};

static struct control *control;
static const char *files;
static _Atomic unsigned char is_ours[65536];

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("FAULT_CONTROL");
  files = getenv("FAULT_FILES");
  if (path == NULL || files == NULL) return;
  int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) abort();
  void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) abort();
  control = mapped;
}

static int concerns(const char *path) {
  return control != NULL && path != NULL && strncmp(path, files, strlen(files)) == 0;
}

static int is_file(int fd) { return control != NULL && fd >= 0 && fd < 65536 && is_ours[fd]; }

// How this operation fails, or 0.
static uint64_t fault(uint64_t operation) {
  if ((control->operations & operation) == 0) return 0;
  uint64_t number = ++control->count;
  if (number < control->first || number >= control->end) return 0;
  if (control->how == KILLED_BEFORE) raise(SIGKILL);
  return control->how;
}

static size_t half(size_t length) { return length / 2 / 512 * 512; }

#define REAL(name) static __typeof__(name) *real; if (real == NULL) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

// Does `call`, unless it is to fail.
#define TRY(operation, concerned, call, ...)            \
  uint64_t how = (concerned) ? fault(operation) : 0;    \
  if (how != 0 && how != KILLED_AFTER) {                \
    __VA_ARGS__;                                        \
    errno = (int)how;                                   \
    return -1;                                          \
  }                                                     \
  __typeof__(call) result = call;                       \
  if (how == KILLED_AFTER) raise(SIGKILL)

#define OPENS(name)                                                            \
  int name(const char *path, int flags, ...) {                                 \
    REAL(name);                                                                \
    va_list rest;                                                              \
    va_start(rest, flags);                                                     \
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;  \
    va_end(rest);                                                              \
    TRY(OPEN, concerns(path), real(path, flags, mode));                        \
    if (result >= 0 && result < 65536) is_ours[result] = concerns(path);       \
    return result;                                                             \
  }
OPENS(open)
OPENS(open64)

#define OPENS_AT(name)                                                         \
  int name(int directory, const char *path, int flags, ...) {                  \
    REAL(name);                                                                \
    va_list rest;                                                              \
    va_start(rest, flags);                                                     \
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;  \
    va_end(rest);                                                              \
    TRY(OPEN, concerns(path), real(directory, path, flags, mode));             \
    if (result >= 0 && result < 65536) is_ours[result] = concerns(path);       \
    return result;                                                             \
  }
OPENS_AT(openat)
OPENS_AT(openat64)

int close(int fd) {
  REAL(close);
  if (is_file(fd)) is_ours[fd] = 0;
  return real(fd);
}

#define READS(name, offset_type)                                               \
  ssize_t name(int fd, void *bytes, size_t length, offset_type offset) {       \
    REAL(name);                                                                \
    TRY(READ, is_file(fd), real(fd, bytes, length, offset));                   \
    return result;                                                             \
  }
READS(pread, off_t)
READS(pread64, off64_t)

ssize_t read(int fd, void *bytes, size_t length) {
  REAL(read);
  TRY(READ, is_file(fd), real(fd, bytes, length));
  return result;
}

#define WRITES(name, offset_type)                                              \
  ssize_t name(int fd, const void *bytes, size_t length, offset_type offset) { \
    REAL(name);                                                                \
    TRY(WRITE, is_file(fd), real(fd, bytes, length, offset),                   \
        (void)!real(fd, bytes, half(length), offset));                            \
    return result;                                                             \
  }
WRITES(pwrite, off_t)
WRITES(pwrite64, off64_t)

ssize_t write(int fd, const void *bytes, size_t length) {
  REAL(write);
  TRY(WRITE, is_file(fd), real(fd, bytes, length), (void)!real(fd, bytes, half(length)));
  return result;
}

#define SYNCS(name)                                                            \
  int name(int fd) {                                                           \
    REAL(name);                                                                \
    TRY(SYNC, is_file(fd), real(fd));                                          \
    return result;                                                             \
  }
SYNCS(fsync)
SYNCS(fdatasync)

#define TRUNCATES(name, offset_type)                                           \
  int name(int fd, offset_type length) {                                       \
    REAL(name);                                                                \
    TRY(TRUNCATE, is_file(fd), real(fd, length));                              \
    return result;                                                             \
  }
TRUNCATES(ftruncate, off_t)
TRUNCATES(ftruncate64, off64_t)

int unlink(const char *path) {
  REAL(unlink);
  TRY(REMOVE, concerns(path), real(path));
  return result;
}

int rename(const char *from, const char *to) {
  REAL(rename);
  TRY(REMOVE, concerns(from), real(from, to));
  return result;
}
