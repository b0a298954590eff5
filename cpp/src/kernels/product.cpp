// Products of matrices with one operand packed in panels, for every size from one row up.
//
// A panel holds up to `panel_vectors` vectors of neighbouring columns of B (depth, columns), row
// after row, the last vector padded with zeros: what the innermost loop reads is contiguous. That
// loop multiplies `tile_rows` rows of A by one panel with all sums in registers. At 6 rows by 4
// vectors it needs 4 loads and 6 broadcasts for 24 multiply-adds, which leaves the multiplier, not
// the load units, as the limit, even when the panel comes from the second-level cache.

#include "kernels/panel.h"

namespace glueball::kernels::GLUEBALL_TARGET {

void from_bfloat16(const Bfloat16* from, Index count, float* to);

namespace {

constexpr int tile_rows = static_cast<int>(product_tile_rows);

/// Sums that must be under way to hide the latency of a multiply-add on two units.
constexpr int least_sums = 8;

/// Panels that a tile of so few rows takes at once, to have enough sums.
constexpr int panels_of(int rows) {
  int panels = 1;
  while (rows * panels * panel_vectors < least_sums) panels *= 2;
  return panels;
}

/// A vector of B's elements.
template <class P>
EIGEN_STRONG_INLINE P load(const Element<P>* from) {
  return ploadu<P>(from);
}

/// From bfloat16, which is the upper half of a float32.
template <class P>
EIGEN_STRONG_INLINE P load(const Bfloat16* from) {
#ifdef EIGEN_VECTORIZE_AVX512
  if constexpr (lanes<P> == 16) {
    const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
  } else {
    const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
  }
#elif defined(EIGEN_VECTORIZE_AVX2)
  const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
#elif defined(EIGEN_VECTORIZE_SSE)
  const __m128i halves = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
  return _mm_castsi128_ps(_mm_unpacklo_epi16(_mm_setzero_si128(), halves));
#else
  EIGEN_ALIGN_MAX float whole[lanes<P>];
  from_bfloat16(from, lanes<P>, whole);
  return packet::pload<P>(whole);
#endif
}

/// One call of the innermost loop. Elements of B are of type T, or bfloat16.
template <class T, class B>
struct Tile {
  const T* a;
  Index a_row;
  Index a_step;
  const B* b;
  Index b_step;
  Index b_panel;
  Index depth;
  T* c;
  Index c_row;
  const T* bias;  ///< null: none. Read when `start` is set.
  Index columns;  ///< of C, in this tile
  bool start;     ///< begin at the bias or 0; else at what C holds
  bool rectify;   ///< end with max(0, .)
};

/// Keeps a vector in a register: the compiler would load it again for each row that it multiplies.
template <class P>
EIGEN_STRONG_INLINE void in_register(P& vector) {
#ifdef EIGEN_VECTORIZE_SSE
  asm("" : "+v"(vector));
#else
  static_cast<void>(vector);
#endif
}

/// One step of depth: adds the products of `R` values of A and a row of B to the sums.
template <class P, class B, int R, int V, int G>
EIGEN_STRONG_INLINE void add_products(const Element<P>* const* a, Index at, const B* b,
                                      Index b_panel, P (&sums)[R][G * V]) {
  P row[G * V];
#pragma GCC unroll 16
  for (int v = 0; v < G * V; ++v) {
    row[v] = load<P>(b + (v / V) * b_panel + (v % V) * lanes<P>);
    if constexpr (R > 1) in_register(row[v]);
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    const P value = pset1<P>(a[r][at]);
#pragma GCC unroll 16
    for (int v = 0; v < G * V; ++v) sums[r][v] = pmadd(value, row[v], sums[r][v]);
  }
}

/// C (R, columns) = or += A (R, depth) B, for `G` panels of `V` vectors.
template <class P, class B, int R, int V, int S, int G>
void run_tile(const Tile<Element<P>, B>& tile) {
  using T = Element<P>;
  constexpr Index step = lanes<P>;
  constexpr int all = G * V;
  const Index last = tile.columns - (all - 1) * step;  // elements of the last vector
  P sums[S][R][all];

#pragma GCC unroll 16
  for (int v = 0; v < all; ++v) {
    const bool whole = v + 1 < all || last == step;
    P first = splat<P>(0.0);
    if (tile.start) {
      if (tile.bias != nullptr) {
        const T* bias = tile.bias + v * step;
        first = whole ? ploadu<P>(bias) : load_some<P>(bias, last);
      }
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) sums[0][r][v] = first;
    } else {
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const T* c = tile.c + r * tile.c_row + v * step;
        sums[0][r][v] = whole ? ploadu<P>(c) : load_some<P>(c, last);
      }
    }
#pragma GCC unroll 8
    for (int s = 1; s < S; ++s) {
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) sums[s][r][v] = splat<P>(0.0);
    }
  }

  const T* rows[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) rows[r] = tile.a + r * tile.a_row;
  const B* b = tile.b;
  const Index a_step = tile.a_step;
  const Index b_step = tile.b_step;
  const Index b_panel = tile.b_panel;
  Index at = 0;
  Index k = tile.depth;
  for (; k >= S; k -= S) {
#pragma GCC unroll 8
    for (int s = 0; s < S; ++s, at += a_step, b += b_step) {
      add_products<P, B, R, V, G>(rows, at, b, b_panel, sums[s]);
    }
  }
#pragma GCC unroll 8
  for (int s = 0; s + 1 < S; ++s, at += a_step, b += b_step) {
    if (s < k) add_products<P, B, R, V, G>(rows, at, b, b_panel, sums[s]);
  }

#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < all; ++v) {
      P interleaved[S];
#pragma GCC unroll 4
      for (int s = 0; s < S; ++s) interleaved[s] = sums[s][r][v];
      P value = joined(interleaved);
      if (tile.rectify) value = rectified(value);
      T* c = tile.c + r * tile.c_row + v * step;
      if (v + 1 < all || last == step) {
        pstoreu(c, value);
      } else {
        store_some(c, value, last);
      }
    }
  }
}

template <class T, class B>
using TileFunction = void (*)(const Tile<T, B>&);

/// By rows, up to `most`; G is 1.
template <class P, class B, int V, int S, int most = tile_rows>
TileFunction<Element<P>, B> tile_of(int rows) {
  if constexpr (most > 1) {
    if (rows < most) return tile_of<P, B, V, S, most - 1>(rows);
  }
  return run_tile<P, B, most, V, S, 1>;
}

/// By rows, columns and splits.
template <class T, class B>
TileFunction<T, B> tile_of(int rows, Index columns, int splits) {
  using P = Packet<T>;
  const int vectors = vectors_for<T>(columns);
  if constexpr (many_registers) {
    if (splits == 4) {
      if constexpr (sizeof(P) == 64 && sizeof(T) == sizeof(float)) {
        // A broadcast to half a vector takes half as long, and few columns are mostly broadcasts.
        using Half = ShortPacket<T>;
        if (columns <= lanes<Half>) return tile_of<Half, B, 1, 4>(rows);
        if (rows <= 3) return tile_of<Half, B, 2, 4, 3>(rows);
      }
      return tile_of<P, B, 1, 4>(rows);
    }
    if (splits == 2) return vectors == 1 ? tile_of<P, B, 1, 2>(rows) : tile_of<P, B, 2, 2>(rows);
    switch (vectors) {
      case 1:
        return tile_of<P, B, 1, 1>(rows);
      case 2:
        return tile_of<P, B, 2, 1>(rows);
      case 3:
        return tile_of<P, B, 3, 1>(rows);
      default:
        return tile_of<P, B, 4, 1>(rows);
    }
  } else {
    if (splits == 2) return tile_of<P, B, 1, 2>(rows);
    return vectors == 1 ? tile_of<P, B, 1, 1>(rows) : tile_of<P, B, 2, 1>(rows);
  }
}

/// Several whole panels for few rows, or null where one is enough.
template <class T, class B>
TileFunction<T, B> wide_tile_of(int rows) {
  if (rows == 1) return run_tile<Packet<T>, B, 1, panel_vectors, 1, panels_of(1)>;
  if constexpr (panels_of(2) > 1) {
    if (rows == 2) return run_tile<Packet<T>, B, 2, panel_vectors, 1, panels_of(2)>;
  }
  if constexpr (panels_of(3) > 1) {
    if (rows == 3) return run_tile<Packet<T>, B, 3, panel_vectors, 1, panels_of(3)>;
  }
  return nullptr;
}

/// How many tiles so many rows are cut into, of nearly equal heights: 8 rows are 4 and 4, not 6 and
/// 2, whose sums would be too few to hide an addition's latency.
class Cut {
 public:
  explicit Cut(Index rows) : tiles_(rows > 0 ? 1 : 0), height_(rows) {
    if (rows <= tile_rows) return;  // a division takes as long as a small product
    tiles_ = (rows + tile_rows - 1) / tile_rows;
    height_ = rows / tiles_;
    higher_ = rows % tiles_;
  }
  Index tiles() const { return tiles_; }
  /// Rows of tile `i`: the first tiles have one more than the others.
  int height(Index i) const { return static_cast<int>(height_ + (i < higher_ ? 1 : 0)); }

 private:
  Index tiles_;
  Index height_;
  Index higher_ = 0;
};

/// out[k][0, V) = columns [0, columns) of B, whose element (k, n) is source[n * n_stride + k].
///
/// `width` is what a row of `out` has. Blocks of V by V elements are transposed in registers.
template <class T>
void pack_transposed(const T* source, Index n_stride, Index depth, Index columns, Index width,
                     T* out) {
  using P = Packet<T>;
  constexpr Index step = lanes<P>;
  if (columns * 4 <= step || depth * 4 <= step) {  // blocks would be almost empty
    for (Index k = 0; k < depth; ++k) {
      pstoreu(out + k * width, splat<P>(0.0));
      for (Index n = 0; n < columns; ++n) out[k * width + n] = source[n * n_stride + k];
    }
    return;
  }
  packet::PacketBlock<P, static_cast<int>(step)> block;
  for (Index k = 0; k < depth; k += step) {
    const Index deep = depth - k < step ? depth - k : step;
    for (Index n = 0; n < step; ++n) {
      block.packet[n] =
          n < columns ? load_up_to<P>(source + n * n_stride + k, deep) : splat<P>(0.0);
    }
    packet::ptranspose(block);
    for (Index i = 0; i < deep; ++i) pstoreu(out + (k + i) * width, block.packet[i]);
  }
}

}  // namespace

template <class T>
void pack_panels(const T* source, Index k_stride, Index n_stride, Index depth, Index columns,
                 Index panel_size, T* out) {
  constexpr Index step = lanes<Packet<T>>;
  for (Index column = 0; column < columns; column += panel_columns<T>, out += panel_size) {
    const Index left = columns - column < panel_columns<T> ? columns - column : panel_columns<T>;
    const Index width = vectors_for<T>(left) * step;
    const T* from = source + column * n_stride;
    for (Index n = 0; n < left; n += step) {
      const Index used = left - n < step ? left - n : step;
      if (n_stride != 1) {
        pack_transposed(from + n * n_stride, n_stride, depth, used, width, out + n);
        continue;
      }
      for (Index k = 0; k < depth; ++k) {
        pstoreu(out + k * width + n, load_up_to<Packet<T>>(from + k * k_stride + n, used));
      }
    }
  }
}

namespace {

template <class T, class B>
void run_product(const Product<T>& p, const B* b) {
  constexpr Index panel = panel_columns<T>;
  const Cut cut(p.rows);
  const int splits = splits_of(p);
  const bool rectify = p.code == code_relu;

  Tile<T, B> tile;
  tile.a_row = p.a_row;
  tile.a_step = p.a_step;
  tile.b_panel = p.b_panel;
  tile.depth = p.depth;
  tile.c_row = p.c_row;
  tile.start = p.start;
  tile.rectify = rectify;
  for (Index column = 0; column < p.columns; column += tile.columns) {
    const Index left = p.columns - column;
    tile.columns = left < panel ? left : panel;
    const int vectors = vectors_for<T>(tile.columns);
    tile.b = b + column / panel * p.b_panel;
    tile.b_step = p.packed_columns ? vectors * lanes<Packet<T>> : p.b_step;
    tile.bias = p.bias == nullptr ? nullptr : p.bias + column;
    // Few rows: several whole panels at once.
    bool wide = false;
    if (p.rows * panel_vectors < least_sums && splits == 1) {
      const int together = panels_of(static_cast<int>(p.rows));
      wide = left >= together * panel;
      if (wide) tile.columns = together * panel;
    }

    Index row = 0;
    for (Index i = 0; i < cut.tiles(); ++i) {
      const int height = cut.height(i);
      tile.a = p.a + row * p.a_row;
      tile.c = p.c + row * p.c_row + column;
      const TileFunction<T, B> run =
          wide ? wide_tile_of<T, B>(height) : tile_of<T, B>(height, tile.columns, splits);
      run(tile);
      row += height;
    }
  }
  finish(p);
}

}  // namespace

template <class T>
void product(const Product<T>& p) {
  run_product(p, p.b);
}

void product_bfloat16(const Product<float>& p, const Bfloat16* b) { run_product(p, b); }

void to_bfloat16(const float* from, Index count, Bfloat16* to) {
  for (Index i = 0; i < count; ++i) {
    std::uint32_t bits = 0;
    __builtin_memcpy(&bits, from + i, sizeof bits);
    // To the nearest, ties to even; a NaN keeps its sign and stays one, quiet.
    const std::uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
    const bool is_nan = (bits & 0x7fffffffU) > 0x7f800000U;
    to[i] = static_cast<Bfloat16>(is_nan ? (bits >> 16) | 0x40U : rounded);
  }
}

void from_bfloat16(const Bfloat16* from, Index count, float* to) {
  for (Index i = 0; i < count; ++i) {
    const std::uint32_t bits = static_cast<std::uint32_t>(from[i]) << 16;
    __builtin_memcpy(to + i, &bits, sizeof bits);
  }
}

void add_product(KernelSet& set) {
  const auto add = []<class T>(Table<T>& table) {
    table.panel = &panel_columns<T>;
    table.pack_panels = pack_panels<T>;
    table.product = product<T>;
  };
  add(set.f32);
  add(set.f64);
  set.common.product_bfloat16 = product_bfloat16;
  set.common.to_bfloat16 = to_bfloat16;
  set.common.from_bfloat16 = from_bfloat16;
}

}  // namespace glueball::kernels::GLUEBALL_TARGET
