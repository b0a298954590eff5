#include "core/read_section.h"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace glueball {
namespace {

struct Counted {
  explicit Counted(std::atomic<int>& destroyed, int number = 0)
      : count(&destroyed), first(number), second(number) {}
  ~Counted() {
    first = second = -1;
    ++*count;
  }
  std::atomic<int>* count;
  int first;
  int second;
};

TEST_CASE("what nobody reads is destroyed at once") {
  std::atomic<int> destroyed = 0;

  retire(std::unique_ptr<const Counted>(new Counted(destroyed)));

  CHECK(destroyed == 1);
}

TEST_CASE("what a section may read lives until the outermost one ends") {
  std::atomic<int> destroyed = 0;
  {
    const ReadSection outer;
    {
      const ReadSection inner;
      retire(std::unique_ptr<const Counted>(new Counted(destroyed)));
      CHECK(destroyed == 0);
    }
    CHECK(destroyed == 0);
  }
  CHECK(destroyed == 1);
}

TEST_CASE("another thread's section holds what was retired after it began, and nothing later") {
  std::atomic<int> first = 0;
  std::atomic<int> second = 0;
  std::atomic<int> stage = 0;
  std::thread reader([&] {
    {
      const ReadSection section;
      stage = 1;
      while (stage != 2) std::this_thread::yield();
    }
    stage = 3;
  });
  while (stage != 1) std::this_thread::yield();

  retire(std::unique_ptr<const Counted>(new Counted(first)));
  CHECK(first == 0);
  stage = 2;
  while (stage != 3) std::this_thread::yield();
  CHECK(first == 1);
  retire(std::unique_ptr<const Counted>(new Counted(second)));
  CHECK(second == 1);
  reader.join();
}

TEST_CASE("threads that read while others replace find whole objects only") {
  std::atomic<int> destroyed = 0;
  std::atomic<const Counted*> current{new Counted(destroyed)};
  std::atomic<bool> ends = false;
  std::atomic<int> torn = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!ends) {
        const ReadSection section;
        const Counted* const seen = current.load(std::memory_order_acquire);
        for (int look = 0; look < 50; ++look) {
          if (seen->first < 0 || seen->first != seen->second) ++torn;
        }
      }
    });
  }
  constexpr int rounds = 2000;
  for (int i = 1; i <= rounds; ++i) {
    const Counted* const former = current.exchange(new Counted(destroyed, i));
    retire(std::unique_ptr<const Counted>(former));
  }
  ends = true;
  for (std::thread& reader : readers) reader.join();
  {
    const ReadSection last;
  }

  CHECK(torn == 0);
  CHECK(destroyed == rounds);
  delete current.load();
}

}  // namespace
}  // namespace glueball
