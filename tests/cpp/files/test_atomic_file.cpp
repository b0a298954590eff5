#include "files/atomic_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "glueball/error.h"
#include "temporary_folder.h"

using namespace glueball;
using glueball::testing::contents_of;
using glueball::testing::TemporaryFolder;
using glueball::testing::write_file;

namespace {

void save(const std::string& path, const std::string& bytes) {
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

unsigned mode_of(const std::string& path) {
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

}  // namespace

TEST_CASE("a file gets its contents and its name at once") {
  const TemporaryFolder folder;
  const std::string path = folder / "a";
  write_file(path, "old");
  {
    AtomicFile file(path);
    file.write("new", 3);
    CHECK(contents_of(path) == "old");
    CHECK(folder.entries() == 2);
    file.commit();
  }

  CHECK(contents_of(path) == "new");
  CHECK(folder.entries() == 1);
}

TEST_CASE("without commit the old file stays and nothing else is left") {
  const TemporaryFolder folder;
  write_file(folder / "a", "old");
  {
    AtomicFile file(folder / "a");
    const std::string large(1 << 20, 'x');
    file.write(large.data(), large.size());
  }

  CHECK(contents_of(folder / "a") == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("pieces of every size arrive in order") {
  const TemporaryFolder folder;
  std::string expected;
  AtomicFile file(folder / "a");
  for (std::size_t size : {1U, 7U, 65535U, 1U, 65536U, 65537U, 0U, 3U, 200000U, 5U}) {
    const std::string piece(size, static_cast<char>('a' + size % 26));
    file.write(piece.data(), piece.size());
    expected += piece;
  }
  file.commit();

  CHECK(contents_of(folder / "a") == expected);
}

TEST_CASE("permissions are those of a plain new file, or of the file that is replaced") {
  const TemporaryFolder folder;
  const mode_t before = ::umask(027);
  save(folder / "new", "x");
  write_file(folder / "private", "x");
  ::chmod((folder / "private").c_str(), 0600);
  save(folder / "private", "y");
  write_file(folder / "open", "x");
  ::chmod((folder / "open").c_str(), 0666);
  save(folder / "open", "y");
  ::umask(before);

  CHECK(mode_of(folder / "new") == 0640);
  CHECK(mode_of(folder / "private") == 0600);
  CHECK(mode_of(folder / "open") == 0666);
}

TEST_CASE("writing through a symbolic link replaces the file that it points to") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "inner");
  write_file(folder / "inner/real", "old");
  std::filesystem::create_symlink("inner/real", folder / "link");
  std::filesystem::create_symlink("link", folder / "second");
  std::filesystem::create_symlink("inner/later", folder / "dangling");

  save(folder / "second", "new");
  save(folder / "dangling", "first");

  CHECK(contents_of(folder / "inner/real") == "new");
  CHECK(contents_of(folder / "inner/later") == "first");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(std::filesystem::is_symlink(folder / "second"));
  CHECK(std::filesystem::is_symlink(folder / "dangling"));
}

TEST_CASE("what cannot hold a file is refused by name, and nothing is left") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "inner");
  std::filesystem::create_symlink("loop", folder / "loop");
  write_file(folder / "file", "x");
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  const auto entries = folder.entries();

  for (const char* const name :
       {"inner", "inner/", "missing/a", "file/a", "file/", "new/", "loop", "pipe"}) {
    CAPTURE(name);
    try {
      const AtomicFile file(folder / name);
      FAIL("no error");
    } catch (const FileAccessError& error) {
      CHECK(error.path() == folder / name);
      CHECK(std::string(error.what()).find(folder / name) != std::string::npos);
      CHECK(error.code() != 0);
    }
  }
  CHECK_THROWS_AS(AtomicFile(""), FileAccessError);
  CHECK_THROWS_AS(AtomicFile("/dev/null"), FileAccessError);
  CHECK_THROWS_AS(AtomicFile((folder / "file") + std::string("\0x", 2)), ArgumentError);
  CHECK(folder.entries() == entries);
  CHECK(contents_of(folder / "file") == "x");
}

TEST_CASE("the longest name that a folder takes can be written") {
  const TemporaryFolder folder;
  const std::string path = folder / std::string(255, 'n');

  save(path, "x");

  CHECK(contents_of(path) == "x");
  CHECK_THROWS_AS(save(folder / std::string(256, 'n'), "x"), FileAccessError);
  CHECK(folder.entries() == 1);
}
