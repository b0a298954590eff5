// One instruction set's kernels, collected in the table that the rest of the library sees.
//
// The files beside this one define these functions and instantiate them for float and double.

#include "kernels/table.h"

namespace glueball::kernels::GLUEBALL_TARGET {

// product.cpp
extern const Index float_panel;
extern const Index double_panel;
template <class T>
void pack_panels(const T* source, Index k_stride, Index n_stride, Index depth, Index columns,
                 Index panel_size, T* out);
template <class T>
void product(const Product<T>& product);
void product_bfloat16(const Product<float>& product, const Bfloat16* b);
void to_bfloat16(const float* from, Index count, Bfloat16* to);
void from_bfloat16(const Bfloat16* from, Index count, float* to);

// few_rows.cpp
template <class T>
void direct_product(const Product<T>& product);
template <class T>
void column_sums(const T* a, Index rows, Index columns, T* sums, bool accumulate);
template <class T>
void outer_product(const T* a, Index a_step, const T* b, T* c, Index rows, Index columns,
                   Index depth, bool accumulate);

// activation.cpp
template <class T>
void activation_forward(ActivationCode code, double alpha, const T* x, T* y, Index count);
template <class T>
void activation_backward(ActivationCode code, double alpha, const T* x, const T* y, const T* dy,
                         T* dx, Index count);

// loss.cpp
template <class T>
void softmax_cross_entropy(const T* logits, const std::int64_t* labels, T* probabilities, T* loss,
                           Index batch, Index classes);
template <class T>
void softmax_cross_entropy_backward(const T* probabilities, const std::int64_t* labels,
                                    const T* head_grad, T* dlogits, Index batch, Index classes);
template <class T>
void l2_loss(const T* prediction, const T* label, T* difference, T* loss, Index batch,
             Index per_sample, double weight);
template <class T>
void l2_loss_backward(const T* difference, const T* head_grad, T* dprediction, Index batch,
                      Index per_sample, double weight);

// norm.cpp
template <class T>
void norm_moments(const T* x, const NormView& view, Index begin, Index end, T* mean, T* variance);
template <class T>
void norm_forward(const T* x, const NormView& view, Index begin, Index end, const T* mean,
                  const T* scale, const T* gamma, const T* beta, T* y);
template <class T>
void norm_channel_sums(const T* dy, const T* x, const NormView& view, Index begin, Index end,
                       const T* mean, const T* scale, double* by_beta, double* by_gamma);
template <class T>
void norm_backward(const T* dy, const T* x, const NormView& view, Index begin, Index end,
                   const T* mean, const T* scale, const T* gamma, const T* mean_head,
                   const T* mean_product, T* dx);
template <class T>
void prelu_forward(const T* x, const NormView& view, Index begin, Index end, const T* slopes, T* y);
template <class T>
void prelu_backward(const T* dy, const T* x, const NormView& view, Index begin, Index end,
                    const T* slopes, T* dx);
template <class T>
void prelu_slope_sums(const T* dy, const T* x, const NormView& view, Index begin, Index end,
                      double* sums);

// optimizer.cpp
extern const UpdateRules<float> float_rules;
extern const UpdateRules<double> double_rules;

// constant.cpp
template <class T>
void constant(T value, T* out, Index count, bool streaming);

// orthogonal.cpp
void pack_reflectors(double* vectors, Index rows, Index columns, Index index, double* packed,
                     double* signs);
template <class T>
void multiply_reflectors(double* packed, const double* signs, Index rows, Index begin, Index end,
                         double* work, T* out, Index row_stride, Index column_stride, double scale);
void rotate(double* columns, Index stride, Index rows, const Rotation* rotations, Index count);

// random.cpp
template <class T>
void uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t begin, Index count, T* out,
             double low, double high, bool streaming);
template <class T>
void normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t begin, Index count, T* out,
            double mean, double sigma, bool streaming);
template <class T>
void truncated_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t begin, Index count,
                      T* out, double mean, double sigma, double low, double high, bool streaming);
void words(std::uint64_t seed, std::uint64_t stream, std::uint64_t begin, Index count,
           std::uint32_t* out);

namespace {

template <class T>
constexpr const Index* panel = nullptr;
template <>
constexpr const Index* panel<float> = &float_panel;
template <>
constexpr const Index* panel<double> = &double_panel;

template <class T>
constexpr const UpdateRule<T>* rules = nullptr;
template <>
constexpr const UpdateRule<float>* rules<float> = float_rules.of;
template <>
constexpr const UpdateRule<double>* rules<double> = double_rules.of;

template <class T>
constexpr Table<T> make_table() {
  return {
      .panel = panel<T>,
      .pack_panels = pack_panels<T>,
      .product = product<T>,
      .direct_product = direct_product<T>,
      .outer_product = outer_product<T>,
      .column_sums = column_sums<T>,
      .activation_forward = activation_forward<T>,
      .activation_backward = activation_backward<T>,
      .norm_moments = norm_moments<T>,
      .norm_forward = norm_forward<T>,
      .norm_channel_sums = norm_channel_sums<T>,
      .norm_backward = norm_backward<T>,
      .prelu_forward = prelu_forward<T>,
      .prelu_backward = prelu_backward<T>,
      .prelu_slope_sums = prelu_slope_sums<T>,
      .softmax_cross_entropy = softmax_cross_entropy<T>,
      .softmax_cross_entropy_backward = softmax_cross_entropy_backward<T>,
      .l2_loss = l2_loss<T>,
      .l2_loss_backward = l2_loss_backward<T>,
      .rules = rules<T>,
      .constant = constant<T>,
      .uniform = uniform<T>,
      .normal = normal<T>,
      .truncated_normal = truncated_normal<T>,
  };
}

}  // namespace

#define GLUEBALL_TEXT_OF(name) #name
#define GLUEBALL_TEXT(name) GLUEBALL_TEXT_OF(name)

// constinit: dispatch.cpp reads these before any constructor could have run.
extern const KernelSet kernel_set;
constinit const KernelSet kernel_set = {.name = GLUEBALL_TEXT(GLUEBALL_TARGET),
                                        .f32 = make_table<float>(),
                                        .f64 = make_table<double>(),
                                        .common = {.words = words,
                                                   .product_bfloat16 = product_bfloat16,
                                                   .to_bfloat16 = to_bfloat16,
                                                   .from_bfloat16 = from_bfloat16},
                                        .orthogonal = {.pack = pack_reflectors,
                                                       .multiply_f32 = multiply_reflectors<float>,
                                                       .multiply_f64 = multiply_reflectors<double>,
                                                       .rotate = rotate}};

}  // namespace glueball::kernels::GLUEBALL_TARGET
