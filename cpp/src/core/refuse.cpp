#include "core/refuse.h"

#include "core/text.h"

namespace glueball {

void Piece::append_to(std::string& message) const {
  switch (kind_) {
    case Kind::text:
      message.append(text_, size_);
      return;
    case Kind::whole:
      message += std::to_string(whole_);
      return;
    case Kind::natural:
      message += std::to_string(static_cast<std::uint64_t>(whole_));
      return;
    case Kind::real:
      message += to_text(real_);
      return;
    case Kind::other:
      message += other_.to_text(other_.value);
      return;
  }
}

std::string joined(Pieces pieces) {
  std::string message;
  for (const Piece& piece : pieces) piece.append_to(message);
  return message;
}

template <class E>
void refuse(Pieces expected, Pieces found, Pieces remedy) {
  throw E(Explanation{joined(expected), joined(found), joined(remedy)});
}

template void refuse<ArgumentError>(Pieces, Pieces, Pieces);
template void refuse<DtypeError>(Pieces, Pieces, Pieces);
template void refuse<FileFormatError>(Pieces, Pieces, Pieces);
template void refuse<IndexError>(Pieces, Pieces, Pieces);
template void refuse<InputError>(Pieces, Pieces, Pieces);
template void refuse<ShapeError>(Pieces, Pieces, Pieces);

}  // namespace glueball
