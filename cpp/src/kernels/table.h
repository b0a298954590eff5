#pragma once

// The only interface between the kernels, compiled once per instruction set, and the rest of the
// library.
//
// Kernel files include Eigen, <cstddef>, <cstdint> and this header only; take raw pointers and
// sizes; throw nothing; and define nothing at namespace scope that needs a constructor. Everything
// of theirs is in namespace glueball::kernels::GLUEBALL_TARGET, so that the linker cannot mix
// instruction sets.
//
// All matrices are row-major and dense. Kernels run on the calling thread unless they say
// otherwise: callers split work with parallel_for.

#include <cstddef>
#include <cstdint>

namespace glueball::kernels {

using Index = std::ptrdiff_t;

/// Numbered as glueball::ActivationKind is, which activation.cpp checks at compile time.
enum ActivationCode : int {
  code_identity,
  code_relu,
  code_sigmoid,
  code_tanh,
  code_softrelu,
  code_softsign,
  code_gelu,
  code_silu,
  code_leaky_relu,
  code_elu,
  code_selu,
  code_log_sigmoid,
  code_mish,
};

/// The optimizers' rules, as the kernels know them: with and without momentum are two.
enum RuleCode : int {
  rule_adadelta,
  rule_adagrad,
  rule_adam,
  rule_adamax,
  rule_adamw,
  rule_dcasgd,
  rule_dcasgd_momentum,
  rule_ftml,
  rule_ftrl,
  rule_lamb,
  rule_lars,
  rule_lars_momentum,
  rule_nadam,
  rule_nag_momentum,
  rule_rmsprop,
  rule_rmsprop_centered,
  rule_sgd,
  rule_sgd_momentum,
  rule_signum,
  rule_signum_momentum,
  rule_count,
};

/// Most hyperparameters, and most state arrays, that a rule has.
constexpr int max_hyperparameters = 6;
constexpr int max_states = 3;

/// The numbers that one update of one parameter works with.
struct UpdateArguments {
  double learning_rate;
  double weight_decay;
  double rescale;
  double clip;  ///< 0 or less: none
  /// In the order that cpp/src/optim/optimizer.cpp lists them in.
  double hyper[max_hyperparameters];
  double count;  ///< updates of this parameter, this one included
  double carry;  ///< as the last update's `next_carry` left it; 1 before the first
  /// Sums of squares of the weights and of what the rule measures, for rules that have `norms`.
  double weight_square;
  double measured_square;
};

/// One rule. Arrays are disjoint; states beyond `states` are not read.
template <class T>
struct UpdateRule {
  int states;
  bool first_state_is_weight;  ///< It starts as a copy of the weights; all others start as zeros.
  bool divides_by_rate;        ///< A learning rate of 0 has no meaning in the formula.
  /// Null, or a first pass over all elements: adds to sums[0] the squares of the weights, and to
  /// sums[1] those of what the rule measures. May change states.
  void (*norms)(const T* weight, const T* grad, T* const* states, Index count,
                const UpdateArguments& arguments, double* sums);
  void (*update)(T* weight, const T* grad, T* const* states, Index count,
                 const UpdateArguments& arguments);
  /// Null, or what the next update gets as `carry`.
  double (*next_carry)(const UpdateArguments& arguments);
};

template <class T>
struct UpdateRules {
  UpdateRule<T> of[rule_count];
};

/// The upper half of a float32.
using Bfloat16 = std::uint16_t;

/// Rows of A that the innermost loop of a product takes at once.
constexpr Index product_tile_rows = 6;

/// Most rows of a product whose B is read column by column where it is.
constexpr Index direct_rows = 2;

/// Most terms of a sum that outer_product() adds.
constexpr Index outer_depth = 4;

/// C (rows, columns) = f(S + A (rows, depth) * B (depth, columns)), where S is what C holds, or the
/// bias of each column, or 0.
///
/// A call takes all of depth. A caller that cuts it starts the first part from the bias and the
/// others from what C holds, and gives f to the last.
template <class T>
struct Product {
  /// Element (i, k) is a[i * a_row + k * a_step]. Columns of a row-major matrix are read as well as
  /// its rows: a line of the cache that holds a tile's six values comes from the second level in
  /// time.
  const T* a;
  Index a_row;
  Index a_step;
  /// Panels of Table::panel columns, `b_panel` elements apart. With `packed_columns` as
  /// pack_panels() wrote them; else rows are `b_step` apart, and all panels are whole.
  const T* b;
  Index b_step;
  Index b_panel;
  bool packed_columns;
  /// For direct_product() only: B is the transpose of rows that are so far apart. Element (k, n) is
  /// b[n * b_column + k].
  Index b_column;
  T* c;
  Index c_row;  ///< elements from one row of C to the next
  Index rows;
  Index columns;
  Index depth;
  /// Columns of the whole product that this is a part of: decides the order of additions.
  Index all_columns;
  bool start;           ///< S is the bias or 0, not what C holds.
  const T* bias;        ///< (columns,), or null for 0
  ActivationCode code;  ///< f
  double alpha;
  /// Unless code_identity, what f gave is multiplied by this activation's derivative, which reads
  /// slope_x or slope_y as activation_backward() does; both are laid out as C is.
  ActivationCode slope;
  double slope_alpha;
  const T* slope_x;
  const T* slope_y;
};

/// An array as (samples, channels, span): what the normalisations and PReLU see of an input.
///
/// Within a sample the channels form `groups` groups of neighbours with common moments; with 0
/// groups each channel has moments of its own, over all samples. Moments of several groups are
/// numbered sample by sample.
struct NormView {
  Index samples;
  Index channels;
  Index span;
  Index groups;
};

/// What a normalisation takes from its input and multiplies it with, one number for each group.
///
/// The mean is in two parts, `mean` + `rest`, the second of which is what rounding takes from the
/// first: without it, values far from 0 that differ little would be normalised by a wrong mean.
template <class T>
struct NormMoments {
  const T* mean;
  const T* rest;
  const T* scale;  ///< 1 / sqrt(variance + epsilon)
};

template <class T>
struct Table {
  /// Columns of one panel of a packed operand; a power of two.
  const Index* panel;
  /// B (depth, columns), element (k, n) at source[k * k_stride + n * n_stride] and one of the
  /// strides 1, to panels: row after row, the last panel's rows padded with zeros to whole vectors.
  /// Panels begin `panel_size` elements apart.
  void (*pack_panels)(const T* source, Index k_stride, Index n_stride, Index depth, Index columns,
                      Index panel_size, T* out);
  /// C = f(A B), see Product.
  void (*product)(const Product<T>& product);
  /// The same for up to direct_rows rows of A, a_step 1, and a B that is the transpose of rows.
  void (*direct_product)(const Product<T>& product);
  /// C (rows, columns) = or += the product of a's transpose and b, for depth up to outer_depth;
  /// a (depth, a_step) and b (depth, columns). Terms are added in the order of depth.
  void (*outer_product)(const T* a, Index a_step, const T* b, T* c, Index rows, Index columns,
                        Index depth, bool accumulate);
  /// sums (columns,) = or += the sum of a (rows, columns) over its rows, in their order.
  void (*column_sums)(const T* a, Index rows, Index columns, T* sums, bool accumulate);

  /// y = f(x); y may be x.
  void (*activation_forward)(ActivationCode code, double alpha, const T* x, T* y, Index count);
  /// dx = dy f'; reads x or y as derivative_needs_input() says; dx may be dy.
  void (*activation_backward)(ActivationCode code, double alpha, const T* x, const T* y,
                              const T* dy, T* dx, Index count);

  /// Mean and biased variance of groups [begin, end); with 0 groups, of channels [begin, end).
  void (*norm_moments)(const T* x, const NormView& view, Index begin, Index end, double* mean,
                       double* variance);
  /// y = (x - mean) scale gamma + beta, for samples [begin, end).
  void (*norm_forward)(const T* x, const NormView& view, Index begin, Index end,
                       const NormMoments<T>& moments, const T* gamma, const T* beta, T* y);
  /// For channels [begin, end): sums of dy, and of dy (x - mean) scale.
  void (*norm_channel_sums)(const T* dy, const T* x, const NormView& view, Index begin, Index end,
                            const NormMoments<T>& moments, double* by_beta, double* by_gamma);
  /// dx for samples [begin, end). With 0 groups mean_head and mean_product are norm_channel_sums'
  /// by the count, or 0 for moments that are constants; otherwise they are not read.
  void (*norm_backward)(const T* dy, const T* x, const NormView& view, Index begin, Index end,
                        const NormMoments<T>& moments, const T* gamma, const T* mean_head,
                        const T* mean_product, T* dx);

  /// y = x where x > 0, else x times its channel's slope, for samples [begin, end).
  void (*prelu_forward)(const T* x, const NormView& view, Index begin, Index end, const T* slopes,
                        T* y);
  void (*prelu_backward)(const T* dy, const T* x, const NormView& view, Index begin, Index end,
                         const T* slopes, T* dx);
  /// For channels [begin, end): sums of dy min(x, 0).
  void (*prelu_slope_sums)(const T* dy, const T* x, const NormView& view, Index begin, Index end,
                           double* sums);

  /// probabilities (batch, classes) = softmax(logits), loss (batch,) = -log of the label's.
  void (*softmax_cross_entropy)(const T* logits, const std::int64_t* labels, T* probabilities,
                                T* loss, Index batch, Index classes);
  /// dlogits = head_grad * (probabilities - one_hot(label)).
  void (*softmax_cross_entropy_backward)(const T* probabilities, const std::int64_t* labels,
                                         const T* head_grad, T* dlogits, Index batch,
                                         Index classes);
  /// difference = prediction - label; loss (batch,) = weight / 2 * mean over the sample of
  /// difference^2.
  void (*l2_loss)(const T* prediction, const T* label, T* difference, T* loss, Index batch,
                  Index per_sample, double weight);
  void (*l2_loss_backward)(const T* difference, const T* head_grad, T* dprediction, Index batch,
                           Index per_sample, double weight);

  /// How optimizers change weights: `rule_count` of them, numbered by RuleCode.
  const UpdateRule<T>* rules;

  /// out[i] = value, past the caches if `streaming`.
  void (*constant)(T value, T* out, Index count, bool streaming);

  /// Elements [begin, begin + count) of a Generator's stream, any begin and count. See
  /// glueball/random.h. `streaming`: writes past the caches, where `out` allows it.
  void (*uniform)(std::uint64_t seed, std::uint64_t stream, std::uint64_t begin, Index count,
                  T* out, double low, double high, bool streaming);
  void (*normal)(std::uint64_t seed, std::uint64_t stream, std::uint64_t begin, Index count, T* out,
                 double mean, double sigma, bool streaming);
  /// Cut off at values low and high.
  void (*truncated_normal)(std::uint64_t seed, std::uint64_t stream, std::uint64_t begin,
                           Index count, T* out, double mean, double sigma, double low, double high,
                           bool streaming);
};

/// Kernels for one element type only.
struct Common {
  void (*words)(std::uint64_t seed, std::uint64_t stream, std::uint64_t begin, Index count,
                std::uint32_t* out);
  /// As Table::product, with panels of bfloat16 in place of Product::b.
  void (*product_bfloat16)(const Product<float>& product, const Bfloat16* b);
  /// Rounded to the nearest, ties to even.
  void (*to_bfloat16)(const float* from, Index count, Bfloat16* to);
  void (*from_bfloat16)(const Bfloat16* from, Index count, float* to);
};

/// Reflections in a block, columns in a group, and what the rows of a group are a multiple of.
constexpr Index orthogonal_block = 32;
constexpr Index orthogonal_group = 64;
constexpr Index orthogonal_row_step = 8;

/// The first columns of a product of Householder reflections H_0 H_1 ..., which H_k makes of row k
/// of `vectors` (columns, rows), elements k on: it turns them to the first axis. rows >= columns.
///
/// The bits are the same on every instruction set. Blocks and groups may be done in parallel.
struct Orthogonal {
  /// Packs block number `index` for the products, and gives the signs of its columns, with which
  /// the product is the Q of a QR decomposition with a positive diagonal. `packed` has, for each
  /// block, orthogonal_block times 2 (rounded-up rows) + orthogonal_block doubles; `vectors`' rows
  /// of the block change.
  void (*pack)(double* vectors, Index rows, Index columns, Index index, double* packed,
               double* signs);
  /// Writes `scale` times columns [begin, end), at most a group, to `out`, whose elements of a
  /// column (row) are row_stride (column_stride) apart. `work` has (rounded-up rows) *
  /// orthogonal_group doubles.
  void (*multiply_f32)(double* packed, const double* signs, Index rows, Index begin, Index end,
                       double* work, float* out, Index row_stride, Index column_stride,
                       double scale);
  void (*multiply_f64)(double* packed, const double* signs, Index rows, Index begin, Index end,
                       double* work, double* out, Index row_stride, Index column_stride,
                       double scale);
};

struct KernelSet {
  const char* name;  ///< "v2", "v3", "v4" or "baseline"
  Table<float> f32;
  Table<double> f64;
  Common common;
  Orthogonal orthogonal;
};

/// The set in use: the best that the processor has and the library was built with, or
/// GLUEBALL_ISA's.
///
/// Chosen once, at the first call. @throws ArgumentError if GLUEBALL_ISA names one that can't run
/// here.
const KernelSet& active();

template <class T>
const Table<T>& table();
template <>
inline const Table<float>& table<float>() {
  return active().f32;
}
template <>
inline const Table<double>& table<double>() {
  return active().f64;
}

}  // namespace glueball::kernels
