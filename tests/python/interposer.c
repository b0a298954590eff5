// Preloaded by test_saving.py: counts a process's calls that touch files once GLUEBALL_TEST_ARMED is
// set, and at the call number GLUEBALL_TEST_AT kills the process, or fails the call.
//
//   GLUEBALL_TEST_MODE   "kill", "log" (names each call on standard error), or an errno to fail with
//   GLUEBALL_TEST_CALL   counts only calls of this name

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int calls;

// 0 to go on; else the call shall fail with this errno.
static int before(const char* name) {
  if (getenv("GLUEBALL_TEST_ARMED") == NULL) return 0;
  const char* only = getenv("GLUEBALL_TEST_CALL");
  if (only != NULL && only[0] != '\0' && strcmp(only, name) != 0) return 0;
  const char* mode = getenv("GLUEBALL_TEST_MODE");
  if (strcmp(mode, "log") == 0) {
    dprintf(2, "%s ", name);
    return 0;
  }
  if (++calls != atoi(getenv("GLUEBALL_TEST_AT"))) return 0;
  if (strcmp(mode, "kill") == 0) kill(getpid(), SIGKILL);
  return atoi(mode);
}

#define FAIL_OR_GO_ON(name)           \
  do {                                \
    const int code = before(name);    \
    if (code != 0) {                  \
      errno = code;                   \
      return -1;                      \
    }                                 \
  } while (0)

#define NEXT(name) dlsym(RTLD_NEXT, name)

static int open_with(const char* which, const char* path, int flags, mode_t mode) {
  // Only new files, and folders: not what Python itself reads.
  if ((flags & (O_CREAT | O_DIRECTORY)) != 0) FAIL_OR_GO_ON("open");
  int (*next)(const char*, int, ...) = (int (*)(const char*, int, ...))NEXT(which);
  return next(path, flags, mode);
}

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open_with("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open_with("open64", path, flags, mode);
}

ssize_t write(int file, const void* data, size_t bytes) {
  if (file > 2) FAIL_OR_GO_ON("write");
  ssize_t (*next)(int, const void*, size_t) = (ssize_t (*)(int, const void*, size_t))NEXT("write");
  return next(file, data, bytes);
}

int fsync(int file) {
  FAIL_OR_GO_ON("fsync");
  int (*next)(int) = (int (*)(int))NEXT("fsync");
  return next(file);
}

int rename(const char* from, const char* to) {
  FAIL_OR_GO_ON("rename");
  int (*next)(const char*, const char*) = (int (*)(const char*, const char*))NEXT("rename");
  return next(from, to);
}
