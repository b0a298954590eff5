// One instruction set's kernels, collected in the table that the rest of the library sees.
//
// The files beside this one define these functions and instantiate them for float and double.

#include "kernels/table.h"

namespace glueball::kernels::GLUEBALL_TARGET {

// dense.cpp
template <class T>
void dense_forward(const T* x, const T* w, const T* b, T* y, Index batch, Index in, Index out,
                   Index col_begin, Index col_end, ActivationCode code, double alpha);
template <class T>
void dense_backward_input(const T* dy, const T* w, T* dx, Index batch, Index in, Index out,
                          Index col_begin, Index col_end);
template <class T>
void dense_backward_weight(const T* dy, const T* x, T* dw, Index batch, Index in, Index out,
                           Index row_begin, Index row_end, bool accumulate);
template <class T>
void dense_backward_bias(const T* dy, T* db, Index batch, Index out, bool accumulate);

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

// optimizer.cpp
extern const UpdateRules<float> float_rules;
extern const UpdateRules<double> double_rules;

// random.cpp
template <class T>
void uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t begin, Index count, T* out,
             double low, double high);
template <class T>
void normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t begin, Index count, T* out,
            double mean, double sigma);
template <class T>
void truncated_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t begin, Index count,
                      T* out, double mean, double sigma, double low, double high);
void words(std::uint64_t seed, std::uint64_t stream, std::uint64_t begin, Index count,
           std::uint32_t* out);

namespace {

template <class T>
constexpr const UpdateRule<T>* rules = nullptr;
template <>
constexpr const UpdateRule<float>* rules<float> = float_rules.of;
template <>
constexpr const UpdateRule<double>* rules<double> = double_rules.of;

template <class T>
constexpr Table<T> make_table() {
  return {
      .dense_forward = dense_forward<T>,
      .dense_backward_input = dense_backward_input<T>,
      .dense_backward_weight = dense_backward_weight<T>,
      .dense_backward_bias = dense_backward_bias<T>,
      .activation_forward = activation_forward<T>,
      .activation_backward = activation_backward<T>,
      .softmax_cross_entropy = softmax_cross_entropy<T>,
      .softmax_cross_entropy_backward = softmax_cross_entropy_backward<T>,
      .l2_loss = l2_loss<T>,
      .l2_loss_backward = l2_loss_backward<T>,
      .rules = rules<T>,
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
                                        .common = {.words = words}};

}  // namespace glueball::kernels::GLUEBALL_TARGET
