#include "refuse.h"

#include "text.h"

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
    case Kind::shape:
      message += to_string(*shape_);
      return;
    case Kind::dtype:
      message += to_string(static_cast<Dtype>(whole_));
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
