// Products of Householder reflections, in double.
//
// Each element of a product is a sum over one index in ascending order, for every width of vectors,
// tiles and number of threads; vectors run along another index. With contraction off that
// gives the same bits on every instruction set, at the speed of a matrix product without fused
// operations.

#include "kernels/lanes.h"

namespace glueball::kernels::GLUEBALL_TARGET {
namespace {

constexpr Index block = orthogonal_block;  // reflections applied together
constexpr Index group = orthogonal_group;  // columns of the result computed together
constexpr Index row_step = orthogonal_row_step;

// A tile of a product is `tile` rows of two vectors, which the registers hold.
#ifdef __AVX512F__
constexpr int tile = 8;
#else
constexpr int tile = 4;
#endif
constexpr int stripe = 2 * width;  // columns of a tile
static_assert(block % tile == 0 && row_step % tile == 0 && group % stripe == 0);

// Rows of a product's second factor that serve all tiles while they are in the first cache.
constexpr Index depth = 128;

GLUEBALL_INLINE Double load(const double* from) {
  Double value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

// All lanes `x`, in a register: the compiler would put the load of one lane into each
// multiplication that uses it, and a processor loads fewer vectors a cycle than it multiplies.
GLUEBALL_INLINE Double broadcast(double x) {
  auto value = all<Double>(x);
#ifdef __AVX512F__
  asm("" : "+v"(value));
#endif
  return value;
}

// The sum of a[i] b[i]: sixteen sums of every sixteenth product, then those in ascending order.
double dot(const double* a, const double* b, Index count) {
  constexpr int ways = 16;
  constexpr int vectors = ways / width;
  Double sums[vectors] = {};
  Index i = 0;
  for (; i + ways <= count; i += ways) {
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) sums[v] += load(a + i + v * width) * load(b + i + v * width);
  }
  double parts[ways];
  __builtin_memcpy(parts, sums, sizeof parts);
  for (Index k = 0; i + k < count; ++k) parts[k] += a[i + k] * b[i + k];
  double sum = 0.0;
  for (const double part : parts) sum += part;
  return sum;
}

// Whether a tile's product starts from zero, goes on from `c`, or is taken off `c`.
enum class Use { assign, add, subtract };

// c (tile, stripe) = or += or -= a (tile, count) b (count, stripe). `a` is stored column by column,
// b and c row by row, without gaps.
template <Use use>
GLUEBALL_INLINE void multiply_tile(const double* a, const double* b, Index count, double* c) {
  Double left[tile];
  Double right[tile];
#pragma GCC unroll 8
  for (int i = 0; i < tile; ++i) {
    left[i] = use == Use::add ? load(c + i * stripe) : Double{};
    right[i] = use == Use::add ? load(c + i * stripe + width) : Double{};
  }
  for (Index k = 0; k < count; ++k, a += tile, b += stripe) {
    const Double b_left = load(b);
    const Double b_right = load(b + width);
#pragma GCC unroll 8
    for (int i = 0; i < tile; ++i) {
      const Double factor = broadcast(a[i]);
      left[i] += factor * b_left;
      right[i] += factor * b_right;
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < tile; ++i) {
    if constexpr (use == Use::subtract) {
      left[i] = load(c + i * stripe) - left[i];
      right[i] = load(c + i * stripe + width) - right[i];
    }
    __builtin_memcpy(c + i * stripe, &left[i], sizeof left[i]);
    __builtin_memcpy(c + i * stripe + width, &right[i], sizeof right[i]);
  }
}

// One block of reflectors, as products read it: I - V T V^T, V (rows, block) from its first row
// that is not zero on.
struct Block {
  Index begin;     // that row
  Index rows;      // a multiple of row_step, the last ones perhaps zeros
  double* across;  // V^T, in tiles of reflectors
  double* down;    // V, in tiles of rows
  double* factor;  // T, in tiles of reflectors
};

constexpr Index round_up(Index n, Index step) { return (n + step - 1) / step * step; }

// Block number `index` of the packed form, which begins with the last column's signs.
Block block_at(double* packed, Index rows, Index index) {
  const Index padded = round_up(rows, row_step);
  // Blocks before this one have padded, padded - block, padded - 2 block, ... rows.
  const Index rows_before = index * padded - block * (index * (index - 1) / 2);
  const Index begin = index * block;
  double* at = packed + 2 * block * rows_before + index * block * block;
  const Index here = padded - begin;
  return {begin, here, at, at + block * here, at + 2 * block * here};
}

// T of the compact form: R. Schreiber, C. Van Loan, "A storage-efficient WY representation for
// products of Householder transformations", SIAM J. Sci. Stat. Comput. 10 (1989).
void compute_factor(const double* vectors, Index rows, Index first, Index count,
                    const double* weights, double (&t)[block][block]) {
  for (auto& row : t) {
    for (double& value : row) value = 0.0;
  }
  for (Index j = 0; j < count; ++j) {
    const double* v = vectors + j * rows;
    const Index begin = first + j;
    double overlap[block];
    for (Index i = 0; i < j; ++i) {
      overlap[i] = dot(vectors + i * rows + begin, v + begin, rows - begin);
    }
    for (Index i = 0; i < j; ++i) {
      double sum = 0.0;
      for (Index k = i; k < j; ++k) sum += t[i][k] * overlap[k];
      t[i][j] = -weights[j] * sum;
    }
    t[j][j] = weights[j];
  }
}

}  // namespace

void pack_reflectors(double* vectors, Index rows, Index columns, Index index, double* packed,
                     double* signs) {
  const Index first = index * block;
  const Index count = columns - first < block ? columns - first : block;
  double weights[block] = {};
  vectors += first * rows;
  for (Index j = 0; j < count; ++j) {
    const Index begin = first + j;
    double* v = vectors + j * rows;
    // H x = -sign(x_0) |x| e_0 for H = I - w v v^T with v_0 = 1.
    const double norm = __builtin_sqrt(dot(v + begin, v + begin, rows - begin));
    const double head = v[begin];
    for (Index i = 0; i < begin; ++i) v[i] = 0.0;
    signs[begin] = head < 0.0 ? 1.0 : -1.0;
    if (norm == 0.0) {
      signs[begin] = 1.0;
      continue;  // The weight is 0: no reflection.
    }
    const double pivot = head < 0.0 ? head - norm : head + norm;
    weights[j] = pivot / (head < 0.0 ? -norm : norm);
    for (Index i = begin + 1; i < rows; ++i) v[i] /= pivot;
    v[begin] = 1.0;
  }

  double t[block][block];
  compute_factor(vectors, rows, first, count, weights, t);

  const Block to = block_at(packed, rows, index);
  for (Index panel = 0; panel < block; panel += tile) {
    double* across = to.across + panel * to.rows;
    double* factor = to.factor + panel * block;
    for (Index k = 0; k < to.rows; ++k) {
      for (Index i = 0; i < tile; ++i) {
        const bool is_there = panel + i < count && to.begin + k < rows;
        *across++ = is_there ? vectors[(panel + i) * rows + to.begin + k] : 0.0;
      }
    }
    for (Index k = 0; k < block; ++k) {
      for (Index i = 0; i < tile; ++i) *factor++ = t[panel + i][k];
    }
  }
  double* down = to.down;
  for (Index panel = 0; panel < to.rows; panel += tile) {
    for (Index k = 0; k < block; ++k) {
      for (Index i = 0; i < tile; ++i) {
        const Index row = to.begin + panel + i;
        *down++ = k < count && row < rows ? vectors[k * rows + row] : 0.0;
      }
    }
  }
}

template <class T>
void multiply_reflectors(double* packed, const double* signs, Index rows, Index begin, Index end,
                         double* work, T* out, Index row_stride, Index column_stride,
                         double scale) {
  const Index padded = round_up(rows, row_step);
  alignas(64) double overlap[block * stripe];
  alignas(64) double weighted[block * stripe];
  const Index stripes = (end - begin + stripe - 1) / stripe;

  // The columns of the unit matrix, with the signs, in stripes.
  for (Index i = 0; i < stripes * stripe * padded; ++i) work[i] = 0.0;
  for (Index column = begin; column < end; ++column) {
    double* q = work + (column - begin) / stripe * stripe * padded;
    q[column * stripe + (column - begin) % stripe] = signs[column];
  }
  // The last block first. Blocks that begin beyond the columns would change nothing.
  for (Index index = (end - 1) / block; index >= 0; --index) {
    const Block v = block_at(packed, rows, index);
    // Nor does a block that begins beyond a stripe's.
    const Index first_stripe = v.begin > begin ? (v.begin - begin) / stripe : 0;
    for (Index s = first_stripe; s < stripes; ++s) {
      double* q = work + s * stripe * padded + v.begin * stripe;
      for (double& value : overlap) value = 0.0;
      for (Index k = 0; k < v.rows; k += depth) {
        const Index count = v.rows - k < depth ? v.rows - k : depth;
        for (Index panel = 0; panel < block; panel += tile) {
          multiply_tile<Use::add>(v.across + panel * v.rows + k * tile, q + k * stripe, count,
                                  overlap + panel * stripe);
        }
      }
      for (Index panel = 0; panel < block; panel += tile) {
        multiply_tile<Use::assign>(v.factor + panel * block, overlap, block,
                                   weighted + panel * stripe);
      }
      for (Index panel = 0; panel < v.rows; panel += tile) {
        multiply_tile<Use::subtract>(v.down + panel * block, weighted, block, q + panel * stripe);
      }
    }
  }
  for (Index s = 0; s < stripes; ++s) {
    const double* q = work + s * stripe * padded;
    const Index first = begin + s * stripe;
    const Index count = end - first < stripe ? end - first : stripe;
    T* to = out + first * column_stride;
    if (column_stride == 1) {
      for (Index row = 0; row < rows; ++row) {
        for (Index i = 0; i < count; ++i) {
          to[row * row_stride + i] = static_cast<T>(scale * q[row * stripe + i]);
        }
      }
    } else {
      for (Index i = 0; i < count; ++i) {
        for (Index row = 0; row < rows; ++row) {
          to[row * row_stride + i * column_stride] = static_cast<T>(scale * q[row * stripe + i]);
        }
      }
    }
  }
}

void add_orthogonal(KernelSet& set) {
  set.orthogonal = {.pack = pack_reflectors,
                    .multiply_f32 = multiply_reflectors<float>,
                    .multiply_f64 = multiply_reflectors<double>};
}

}  // namespace glueball::kernels::GLUEBALL_TARGET
