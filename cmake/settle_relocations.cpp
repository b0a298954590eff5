// Settles in a relocatable object what needs no linker: cmake/GlueballInstall.cmake runs it on the
// one object that is installed, whose hidden symbols are local by then.
//
//   settle_relocations OBJECT
//
// A relocation takes 24 bytes. `ld -r` keeps one for every call, although the distance between two
// places of one section is known as soon as the sections are put together. This writes those
// distances into the code, and lets what is left name a section instead of a function or a constant
// in it, so that `strip` can drop those names. The object's size in the file shrinks when it is
// copied next: bytes that are no longer used stay until then.
//
// ELF for x86-64 only, as System V's ABI has it (chapter 4); anything else is refused.

#include <elf.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

/// An object file in memory.
class Object {
 public:
  explicit Object(std::vector<char> bytes) : bytes_(std::move(bytes)) {
    const auto& header = *at<Elf64_Ehdr>(0, 1);
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_type != ET_REL || header.e_machine != EM_X86_64) {
      throw std::runtime_error("expected a relocatable object for x86-64, found another file");
    }
    count_ = header.e_shnum;
    sections_ = at<Elf64_Shdr>(header.e_shoff, count_);
    section_symbols_.resize(count_, 0);
    for (std::size_t i = 0; i < count_; ++i) {
      if (sections_[i].sh_type != SHT_SYMTAB) continue;
      symbol_count_ = sections_[i].sh_size / sizeof(Elf64_Sym);
      symbols_ = at<Elf64_Sym>(sections_[i].sh_offset, symbol_count_);
    }
    for (std::size_t i = 0; i < symbol_count_; ++i) {
      if (ELF64_ST_TYPE(symbols_[i].st_info) == STT_SECTION && is_placed(symbols_[i])) {
        section_symbols_[symbols_[i].st_shndx] = i;
      }
    }
  }

  void settle() {
    for (std::size_t i = 0; i < count_; ++i) {
      if (sections_[i].sh_type == SHT_RELA) settle(sections_[i]);
    }
  }

  const std::vector<char>& bytes() const { return bytes_; }

 private:
  template <class T>
  T* at(std::size_t offset, std::size_t count) {
    if (offset > bytes_.size() || count > (bytes_.size() - offset) / sizeof(T)) {
      throw std::runtime_error("expected a whole object, found one that is cut off");
    }
    return reinterpret_cast<T*>(bytes_.data() + offset);
  }

  /// Whether a symbol stands for a place in a section of this file.
  bool is_placed(const Elf64_Sym& symbol) const {
    return symbol.st_shndx != SHN_UNDEF && symbol.st_shndx < count_;
  }

  void settle(Elf64_Shdr& section) {
    const std::size_t count = section.sh_size / sizeof(Elf64_Rela);
    auto* const entries = at<Elf64_Rela>(section.sh_offset, count);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!is_settled(section, entries[i])) entries[kept++] = entries[i];
    }
    section.sh_size = kept * sizeof(Elf64_Rela);
  }

  /// Settles a relocation if that can be done, else shortens what it names.
  bool is_settled(const Elf64_Shdr& section, Elf64_Rela& entry) {
    const auto type = ELF64_R_TYPE(entry.r_info);
    if (type == R_X86_64_NONE) return true;
    if (ELF64_R_SYM(entry.r_info) >= symbol_count_) {
      throw std::runtime_error("expected relocations by symbols, found one without");
    }
    const Elf64_Sym& symbol = symbols_[ELF64_R_SYM(entry.r_info)];
    // Weak: the linker may take another's definition. Thread-local: it is no place in memory.
    if (!is_placed(symbol) || ELF64_ST_BIND(symbol.st_info) == STB_WEAK ||
        ELF64_ST_TYPE(symbol.st_info) == STT_TLS) {
      return false;
    }
    const bool is_relative = type == R_X86_64_PC32 || type == R_X86_64_PLT32;
    const auto place = static_cast<std::int64_t>(symbol.st_value) + entry.r_addend;
    if (is_relative && symbol.st_shndx == section.sh_info) {
      const std::int64_t distance = place - static_cast<std::int64_t>(entry.r_offset);
      if (distance < std::numeric_limits<std::int32_t>::min() ||
          distance > std::numeric_limits<std::int32_t>::max()) {
        throw std::runtime_error("expected sections below 2 GB, found a larger one");
      }
      const auto written = static_cast<std::int32_t>(distance);
      const Elf64_Shdr& target = sections_[section.sh_info];
      std::memcpy(at<char>(target.sh_offset + entry.r_offset, sizeof written), &written,
                  sizeof written);
      return true;
    }
    // What moves when its section's equal strings are merged has to be found by name.
    const std::size_t of_section = section_symbols_[symbol.st_shndx];
    if ((is_relative || type == R_X86_64_64) && ELF64_ST_BIND(symbol.st_info) == STB_LOCAL &&
        of_section != 0 && (sections_[symbol.st_shndx].sh_flags & SHF_MERGE) == 0) {
      entry.r_info = ELF64_R_INFO(of_section, std::uint64_t{type});
      entry.r_addend = place;
    }
    return false;
  }

  std::vector<char> bytes_;
  Elf64_Shdr* sections_ = nullptr;
  std::size_t count_ = 0;
  Elf64_Sym* symbols_ = nullptr;
  std::size_t symbol_count_ = 0;
  std::vector<std::size_t> section_symbols_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("usage: settle_relocations OBJECT\n", stderr);
    return 2;
  }
  const std::string path = arguments[1];
  try {
    std::ifstream in(path, std::ios::binary);
    Object object(std::vector<char>(std::istreambuf_iterator<char>(in), {}));
    in.close();
    object.settle();
    std::ofstream out(path, std::ios::binary);
    out.write(object.bytes().data(), static_cast<std::streamsize>(object.bytes().size()));
    if (!out.flush()) throw std::runtime_error("expected to write it, found that it failed");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "settle_relocations: '%s': %s\n", path.c_str(), error.what());
    return 1;
  }
  return 0;
}
