#include "pattern.h"

#include <utility>

#include "glueball/error.h"
#include "refuse.h"

namespace glueball {
namespace {

using Set = std::bitset<256>;

std::size_t index_of(char c) { return static_cast<unsigned char>(c); }

Set range(char first, char last) {
  Set set;
  for (std::size_t c = index_of(first); c <= index_of(last); ++c) set.set(c);
  return set;
}

Set any_of(std::string_view characters) {
  Set set;
  for (const char c : characters) set.set(index_of(c));
  return set;
}

Set letters() { return range('a', 'z') | range('A', 'Z'); }
Set words() { return letters() | range('0', '9') | any_of("_"); }

// What \d, \w and \s stand for, and in capitals their opposites; empty for other letters.
Set class_of(char letter) {
  switch (letter) {
    case 'd':
      return range('0', '9');
    case 'D':
      return ~range('0', '9');
    case 'w':
      return words();
    case 'W':
      return ~words();
    case 's':
      return any_of(" \t\n\v\f\r");
    case 'S':
      return ~any_of(" \t\n\v\f\r");
    default:
      return {};
  }
}

// What [:name:] in brackets stands for; empty for other names.
Set class_named(std::string_view name) {
  const Set graph = range('!', '~');
  if (name == "alpha") return letters();
  if (name == "digit") return range('0', '9');
  if (name == "alnum") return letters() | range('0', '9');
  if (name == "lower") return range('a', 'z');
  if (name == "upper") return range('A', 'Z');
  if (name == "space") return class_of('s');
  if (name == "blank") return any_of(" \t");
  if (name == "punct") return graph & ~(letters() | range('0', '9'));
  if (name == "graph") return graph;
  if (name == "print") return graph | any_of(" ");
  if (name == "cntrl") return range('\0', '\x1f') | any_of("\x7f");
  if (name == "xdigit") return range('0', '9') | range('a', 'f') | range('A', 'F');
  return {};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_repetition(char c) { return std::string_view("*+?{").find(c) != std::string_view::npos; }

}  // namespace

/// Translates an expression into steps, by recursive descent.
class PatternReader {
 public:
  PatternReader(std::string_view text, Pattern& out) : text_(text), out_(out) {}

  /// Null, or what is wrong.
  const char* read() {
    alternatives(0);
    if (fault_ == nullptr && at_ < text_.size()) fail("a ) without its (");
    emit(Code::accept);
    return fault_;
  }

 private:
  using Code = Pattern::Code;
  using Step = Pattern::Step;

  // Expressions that are longer, as they are or written out, serve no names.
  static constexpr std::size_t most_steps = 20'000;
  static constexpr int most_depth = 200;

  void fail(const char* fault) {
    if (fault_ == nullptr) fault_ = fault;
    at_ = text_.size();
  }
  bool more() const { return at_ < text_.size(); }
  bool next_is(char c) const { return more() && text_[at_] == c; }
  bool take(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }

  std::uint32_t here() const { return static_cast<std::uint32_t>(out_.steps_.size()); }
  std::uint32_t emit(Code code, std::uint32_t a = 0, std::uint32_t b = 0) {
    if (here() >= most_steps) fail("more repetitions than 20000 steps hold");
    out_.steps_.push_back({code, a, b});
    return here() - 1;
  }
  void emit_set(const Set& set) {
    emit(Code::set, static_cast<std::uint32_t>(out_.sets_.size()));
    out_.sets_.push_back(set);
  }

  // Puts a fork in front of the steps from `begin` on.
  void fork_before(std::uint32_t begin) {
    out_.steps_.insert(out_.steps_.begin() + begin, Step{Code::fork});
    for (std::uint32_t i = begin + 1; i < here(); ++i) shift(out_.steps_[i], 1);
    out_.steps_[begin].a = begin + 1;
  }
  // What leads out of a piece leads to its end, so all goals of a piece move with it.
  static void shift(Step& step, std::uint32_t by) {
    if (step.code == Code::fork || step.code == Code::jump || step.code == Code::ahead)
      step.a += by;
    if (step.code == Code::fork) step.b += by;
  }

  void alternatives(int depth) {
    if (depth > most_depth) return fail("groups more than 200 deep");
    std::vector<std::uint32_t> leaves;
    std::uint32_t begin = here();
    sequence(depth);
    while (take("|")) {
      fork_before(begin);
      leaves.push_back(emit(Code::jump));
      out_.steps_[begin].b = here();
      begin = here();
      sequence(depth);
    }
    for (const std::uint32_t leave : leaves) out_.steps_[leave].a = here();
  }

  void sequence(int depth) {
    while (more() && !next_is('|') && !next_is(')')) {
      const std::uint32_t begin = here();
      if (assertion(depth)) continue;
      atom(depth);
      quantifier(begin);
    }
  }

  // What takes no character, and so can't be repeated.
  bool assertion(int depth) {
    if (take("^")) {
      emit(Code::begin);
    } else if (take("$")) {
      emit(Code::end);
    } else if (take("\\b")) {
      emit(Code::word_edge);
    } else if (take("\\B")) {
      emit(Code::word_edge, 0, 1);
    } else if (text_.substr(at_).starts_with("(?=") || text_.substr(at_).starts_with("(?!")) {
      const std::uint32_t ahead = emit(Code::ahead, 0, text_[at_ + 2] == '!' ? 1 : 0);
      at_ += 3;
      alternatives(depth + 1);
      if (!take(")")) fail("a ( without its )");
      emit(Code::accept);
      out_.steps_[ahead].a = here();
    } else {
      return false;
    }
    return true;
  }

  void atom(int depth) {
    const char c = text_[at_];
    if (is_repetition(c)) return fail("a repetition of nothing");
    ++at_;
    if (c == '(') {
      if (!take("?:") && next_is('?')) return fail("a group of an unknown kind");
      alternatives(depth + 1);
      if (!take(")")) fail("a ( without its )");
    } else if (c == '[') {
      emit_set(brackets());
    } else if (c == '.') {
      emit_set(~any_of("\n\r"));
    } else if (c == '\\') {
      emit_set(escape());
    } else {
      emit_set(Set().set(index_of(c)));
    }
  }

  std::size_t hexadecimal(std::size_t digits) {
    std::size_t value = 0;
    for (; digits > 0; --digits, ++at_) {
      constexpr std::string_view all = "0123456789abcdef0123456789ABCDEF";
      const std::size_t found = more() ? all.find(text_[at_]) : std::string_view::npos;
      if (found == std::string_view::npos) {
        fail("an escape without its digits");
        return 0;
      }
      value = value * 16 + found % 16;
    }
    if (value > 255) fail("a character beyond one byte");
    return value & 255;
  }

  // What follows a backslash.
  Set escape() {
    if (!more()) {
      fail("a \\ with nothing behind");
      return {};
    }
    const char c = text_[at_++];
    if (const Set set = class_of(c); set.any()) return set;
    constexpr std::string_view names = "tnvfr0";
    if (const std::size_t found = names.find(c); found != std::string_view::npos) {
      return Set().set(index_of("\t\n\v\f\r\0"[found]));
    }
    if (c == 'x') return Set().set(hexadecimal(2));
    if (c == 'u') return Set().set(hexadecimal(4));
    if (is_digit(c)) fail("a reference back to a group, which is not supported");
    if (letters().test(index_of(c))) fail("an unknown escape");
    return Set().set(index_of(c));
  }

  // One member of brackets; `single` becomes whether it is one character, which can begin a range.
  Set member(bool& single) {
    single = false;
    if (take("[:")) {
      const std::size_t end = text_.find(":]", at_);
      if (end == std::string_view::npos) return fail("a [: without its :]"), Set();
      const Set set = class_named(text_.substr(at_, end - at_));
      if (set.none()) fail("an unknown [:class:]");
      at_ = fault_ == nullptr ? end + 2 : at_;
      return set;
    }
    if (take("\\b")) {
      single = true;
      return any_of("\b");
    }
    if (take("\\")) {
      const Set set = escape();
      single = set.count() == 1;
      return set;
    }
    single = true;
    return Set().set(index_of(text_[at_++]));
  }

  Set brackets() {
    const bool is_inverted = take("^");
    Set set;
    while (more() && !next_is(']')) {
      bool single = false;
      const Set first = member(single);
      if (single && next_is('-') && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        const Set last = member(single);
        const auto from = first._Find_first();
        const auto to = last._Find_first();
        if (!single || from > to) {
          fail("a range that does not ascend");
          return {};
        }
        for (std::size_t c = from; c <= to; ++c) set.set(c);
      } else {
        set |= first;
      }
    }
    if (!take("]")) fail("a [ without its ]");
    return is_inverted ? ~set : set;
  }

  std::size_t number() {
    std::size_t value = 0;
    if (!more() || !is_digit(text_[at_])) fail("a { without a number");
    while (more() && is_digit(text_[at_])) {
      value = value * 10 + static_cast<std::size_t>(text_[at_++] - '0');
      if (value > most_steps) fail("more repetitions than 20000 steps hold");
    }
    return value;
  }

  // How often the piece before stands: from `least` times on, to `most` where that is bounded.
  struct Repetition {
    std::size_t least = 0;
    std::size_t most = 0;
    bool is_bounded = false;
  };

  // Reads one, if there is one.
  bool repetition(Repetition& read) {
    if (take("*")) return true;
    if (take("+")) {
      read.least = 1;
    } else if (take("?")) {
      read.most = 1;
      read.is_bounded = true;
    } else if (take("{")) {
      read.least = read.most = number();
      read.is_bounded = true;
      if (take(",")) {
        read.is_bounded = !next_is('}');
        if (read.is_bounded) read.most = number();
      }
      if (!take("}")) fail("a { without its }");
      if (read.is_bounded && read.most < read.least) fail("a {m,n} with m above n");
    } else {
      return false;
    }
    return true;
  }

  // Repeats the steps from `begin` on as the text says.
  void quantifier(std::uint32_t begin) {
    Repetition read;
    if (!repetition(read)) return;
    // Lazy or not: it only changes which match is found first.
    take("?");
    if (more() && is_repetition(text_[at_])) fail("a repetition of a repetition");
    if (fault_ != nullptr) return;

    const std::vector<Step> piece(out_.steps_.begin() + begin, out_.steps_.end());
    out_.steps_.resize(begin);
    const auto copy = [&] {
      const std::uint32_t by = here() - begin;
      if (here() + piece.size() > most_steps) return fail("more repetitions than 20000 steps hold");
      for (Step step : piece) {
        shift(step, by);
        out_.steps_.push_back(step);
      }
    };
    for (std::size_t i = 0; i < read.least && fault_ == nullptr; ++i) copy();
    if (!read.is_bounded) {
      const std::uint32_t fork = emit(Code::fork);
      out_.steps_[fork].a = here();
      copy();
      emit(Code::jump, fork);
      out_.steps_[fork].b = here();
    }
    std::vector<std::uint32_t> forks;
    for (std::size_t i = read.least; i < read.most && fault_ == nullptr && read.is_bounded; ++i) {
      forks.push_back(emit(Code::fork));
      out_.steps_[forks.back()].a = here();
      copy();
    }
    for (const std::uint32_t fork : forks) out_.steps_[fork].b = here();
  }

  std::string_view text_;
  Pattern& out_;
  std::size_t at_ = 0;
  const char* fault_ = nullptr;
};

Pattern::Pattern(const std::string& text, const std::string& user) {
  const char* const fault = PatternReader(text, *this).read();
  if (fault != nullptr) {
    refuse<ArgumentError>({"ECMAScript regular expressions for ", user},
                          {"'", text, "' (", fault, ")"},
                          {"put a backslash before characters that stand for themselves"});
  }
}

bool Pattern::is_in(std::string_view name) const { return run(0, name, 0, true); }

bool Pattern::begins(std::string_view name) const { return run(0, name, 0, false); }

// Whether the steps from `step` on accept `text` from `begin` on, or from any later place. One case
// for each code, which is all that there is to understand.
// NOLINTNEXTLINE(readability-function-cognitive-complexity)
bool Pattern::run(std::size_t step, std::string_view text, std::size_t begin, bool anywhere) const {
  // A state that was seen leads nowhere, or it would have been the end.
  std::vector<bool> seen(steps_.size() * (text.size() + 1));
  std::vector<std::pair<std::size_t, std::size_t>> pending;
  const auto visit = [&](std::size_t next, std::size_t at) {
    const std::size_t state = at * steps_.size() + next;
    if (seen[state]) return;
    seen[state] = true;
    pending.emplace_back(next, at);
  };
  const Set word = words();
  const auto is_word = [&](std::size_t at) {
    return at < text.size() && word.test(index_of(text[at]));
  };
  for (std::size_t start = begin; start <= text.size(); ++start) {
    visit(step, start);
    while (!pending.empty()) {
      const auto [now, at] = pending.back();
      pending.pop_back();
      const Step& it = steps_[now];
      switch (it.code) {
        case Code::accept:
          return true;
        case Code::set:
          if (at < text.size() && sets_[it.a].test(index_of(text[at]))) visit(now + 1, at + 1);
          break;
        case Code::fork:
          visit(it.b, at);
          visit(it.a, at);
          break;
        case Code::jump:
          visit(it.a, at);
          break;
        case Code::begin:
          if (at == 0) visit(now + 1, at);
          break;
        case Code::end:
          if (at == text.size()) visit(now + 1, at);
          break;
        case Code::word_edge:
          if ((is_word(at) != (at > 0 && is_word(at - 1))) == (it.b == 0)) visit(now + 1, at);
          break;
        case Code::ahead:
          if (run(now + 1, text, at, false) == (it.b == 0)) visit(it.a, at);
          break;
      }
    }
    if (!anywhere) return false;
  }
  return false;
}

}  // namespace glueball
