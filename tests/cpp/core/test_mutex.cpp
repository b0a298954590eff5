#include "core/mutex.h"

#include <doctest/doctest.h>

#include <csignal>
#include <mutex>

#ifdef __unix__
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace glueball {
namespace {

TEST_CASE("locks may be taken in their order, and again when they are free") {
  Mutex<Rank::optimizer> first;
  Mutex<Rank::parameter> second;
  for (int i = 0; i < 2; ++i) {
    const std::lock_guard outer(first);
    const std::lock_guard inner(second);
  }
  const std::lock_guard alone(second);
}

#if !defined(NDEBUG) && defined(__unix__) && !defined(__SANITIZE_THREAD__)

/// Whether the function ends the program.
template <class Function>
bool aborts(Function function) {
  const pid_t child = fork();
  if (child == 0) {
    close(STDERR_FILENO);
    std::signal(SIGABRT, SIG_DFL);  // doctest would report it
    function();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

TEST_CASE("where assertions are on, a step back in the order of locks ends the program") {
  Mutex<Rank::optimizer> first;
  Mutex<Rank::parameter> second;

  CHECK(aborts([&] {
    const std::lock_guard inner(second);
    const std::lock_guard outer(first);
  }));
  CHECK(aborts([&] {
    Mutex<Rank::parameter> another;
    const std::lock_guard one(second);
    const std::lock_guard two(another);
  }));
  CHECK_FALSE(aborts([&] {
    const std::lock_guard outer(first);
    const std::lock_guard inner(second);
  }));
}

TEST_CASE("where assertions are on, Python's lock may not be taken under one of ours") {
  Mutex<Rank::retired> mutex;

  CHECK(aborts([&] {
    const std::lock_guard lock(mutex);
    check_no_lock_is_held();
  }));
  CHECK_FALSE(aborts([] { check_no_lock_is_held(); }));
}

#endif

}  // namespace
}  // namespace glueball
