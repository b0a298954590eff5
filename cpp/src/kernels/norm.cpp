#include "kernels/packet.h"

namespace glueball::kernels::GLUEBALL_TARGET {
namespace {

template <class T>
using Run = Eigen::Map<Eigen::Array<T, 1, Eigen::Dynamic>>;
template <class T>
using ConstRun = Eigen::Map<const Eigen::Array<T, 1, Eigen::Dynamic>>;

// Sums over the samples run down columns, for so many columns at a time that they stay in registers
// and the nearest cache.
constexpr Index column_block = 64;
using ColumnSums = Eigen::Array<double, 1, Eigen::Dynamic, Eigen::RowMajor, 1, column_block>;

// All sums are taken in double: along a long batch float would lose digits.
template <class Expression>
EIGEN_STRONG_INLINE double sum(const Expression& values) {
  return values.template cast<double>().sum();
}

/// Channels that have their moments in common, within one sample.
Index channels_in_group(const NormView& view) { return view.channels / view.groups; }

bool over_samples(const NormView& view) { return view.groups == 0; }

/// Which moments the channel c of sample n has.
Index group_of(const NormView& view, Index n, Index c) {
  return over_samples(view) ? c : n * view.groups + c / channels_in_group(view);
}

/// Moments of columns [begin, end) of the matrix x (samples, channels).
template <class T>
void column_moments(const T* x, const NormView& view, Index begin, Index end, double* mean,
                    double* variance) {
  const double share = 1.0 / static_cast<double>(view.samples);
  for (Index first = begin; first < end; first += column_block) {
    const Index count = first + column_block < end ? column_block : end - first;
    const auto row = [&](Index n) {
      return ConstRun<T>(x + n * view.channels + first, count).template cast<double>();
    };
    ColumnSums center = ColumnSums::Zero(count);
    for (Index n = 0; n < view.samples; ++n) center += row(n);
    center *= share;
    ColumnSums squares = ColumnSums::Zero(count);
    for (Index n = 0; n < view.samples; ++n) squares += (row(n) - center).square();
    Run<double>(mean + first, count) = center;
    Run<double>(variance + first, count) = squares * share;
  }
}

/// Moments of `runs` runs of `length` numbers each, `stride` apart, taken together.
template <class T>
void run_moments(const T* x, Index runs, Index length, Index stride, double* mean,
                 double* variance) {
  const double share = 1.0 / static_cast<double>(runs * length);
  double center = 0.0;
  for (Index i = 0; i < runs; ++i) center += sum(ConstRun<T>(x + i * stride, length));
  center *= share;
  double squares = 0.0;
  for (Index i = 0; i < runs; ++i) {
    squares +=
        (ConstRun<T>(x + i * stride, length).template cast<double>() - center).square().sum();
  }
  *mean = center;
  *variance = squares * share;
}

/// (x - mean) / deviation, where all of a run have the moments number i.
template <class T>
EIGEN_STRONG_INLINE auto normalised(const T* x, Index count, const NormMoments<T>& m, Index i) {
  return ((ConstRun<T>(x, count) - m.mean[i]) - m.rest[i]) * m.scale[i];
}

/// The same where each element has its own moments, from number `first` on.
template <class T>
EIGEN_STRONG_INLINE auto normalised_each(const T* x, Index count, const NormMoments<T>& m,
                                         Index first) {
  return ((ConstRun<T>(x, count) - ConstRun<T>(m.mean + first, count)) -
          ConstRun<T>(m.rest + first, count)) *
         ConstRun<T>(m.scale + first, count);
}

}  // namespace

template <class T>
void norm_moments(const T* x, const NormView& view, Index begin, Index end, double* mean,
                  double* variance) {
  if (over_samples(view) && view.span == 1) {
    return column_moments(x, view, begin, end, mean, variance);
  }
  for (Index i = begin; i < end; ++i) {
    if (over_samples(view)) {
      run_moments(x + i * view.span, view.samples, view.span, view.channels * view.span, mean + i,
                  variance + i);
    } else {
      const Index length = channels_in_group(view) * view.span;
      run_moments(x + i * length, 1, length, length, mean + i, variance + i);
    }
  }
}

template <class T>
void norm_forward(const T* x, const NormView& view, Index begin, Index end,
                  const NormMoments<T>& moments, const T* gamma, const T* beta, T* y) {
  const Index size = view.channels * view.span;
  for (Index n = begin; n < end; ++n) {
    const T* from = x + n * size;
    T* to = y + n * size;
    if (view.span > 1) {
      for (Index c = 0; c < view.channels; ++c) {
        Run<T>(to + c * view.span, view.span) =
            normalised(from + c * view.span, view.span, moments, group_of(view, n, c)) * gamma[c] +
            beta[c];
      }
    } else if (over_samples(view)) {
      Run<T>(to, size) = normalised_each(from, size, moments, 0) * ConstRun<T>(gamma, size) +
                         ConstRun<T>(beta, size);
    } else {
      const Index width = channels_in_group(view);
      for (Index c = 0; c < view.channels; c += width) {
        Run<T>(to + c, width) = normalised(from + c, width, moments, group_of(view, n, c)) *
                                    ConstRun<T>(gamma + c, width) +
                                ConstRun<T>(beta + c, width);
      }
    }
  }
}

template <class T>
void norm_channel_sums(const T* dy, const T* x, const NormView& view, Index begin, Index end,
                       const NormMoments<T>& moments, double* by_beta, double* by_gamma) {
  const Index size = view.channels * view.span;
  if (view.span > 1) {
    for (Index c = begin; c < end; ++c) {
      by_beta[c] = 0.0;
      by_gamma[c] = 0.0;
      for (Index n = 0; n < view.samples; ++n) {
        const Index at = n * size + c * view.span;
        const ConstRun<T> head(dy + at, view.span);
        by_beta[c] += sum(head);
        by_gamma[c] += sum(head * normalised(x + at, view.span, moments, group_of(view, n, c)));
      }
    }
    return;
  }
  for (Index first = begin; first < end; first += column_block) {
    const Index last = first + column_block < end ? first + column_block : end;
    ColumnSums heads = ColumnSums::Zero(last - first);
    ColumnSums products = ColumnSums::Zero(last - first);
    for (Index n = 0; n < view.samples; ++n) {
      const T* const values = x + n * size;
      const ConstRun<T> head(dy + n * size + first, last - first);
      heads += head.template cast<double>();
      if (over_samples(view)) {
        products += (head * normalised_each(values + first, last - first, moments, first))
                        .template cast<double>();
        continue;
      }
      const Index width = channels_in_group(view);
      for (Index c = first; c < last;) {
        const Index next = (c / width + 1) * width < last ? (c / width + 1) * width : last;
        products.segment(c - first, next - c) +=
            (head.segment(c - first, next - c) *
             normalised(values + c, next - c, moments, group_of(view, n, c)))
                .template cast<double>();
        c = next;
      }
    }
    Run<double>(by_beta + first, last - first) = heads;
    Run<double>(by_gamma + first, last - first) = products;
  }
}

namespace {

/// dx of one sample whose moments are those of all samples: `mean_head` and `mean_product` are the
/// means, by channel, of dy and of dy times the normalised input.
template <class T>
void backward_over_samples(const T* dy, const T* x, const NormView& view,
                           const NormMoments<T>& moments, const T* gamma, const T* mean_head,
                           const T* mean_product, T* dx) {
  if (view.span == 1) {
    const auto all = [&](const T* values) { return ConstRun<T>(values, view.channels); };
    Run<T>(dx, view.channels) =
        (all(dy) - all(mean_head) -
         normalised_each(x, view.channels, moments, 0) * all(mean_product)) *
        (all(gamma) * all(moments.scale));
    return;
  }
  for (Index c = 0; c < view.channels; ++c) {
    const Index at = c * view.span;
    Run<T>(dx + at, view.span) = (ConstRun<T>(dy + at, view.span) - mean_head[c] -
                                  normalised(x + at, view.span, moments, c) * mean_product[c]) *
                                 (gamma[c] * moments.scale[c]);
  }
}

/// dx of one group: `channels` channels that have the moments number i.
template <class T>
void backward_group(const T* dy, const T* x, Index channels, Index span,
                    const NormMoments<T>& moments, Index i, const T* gamma, T* dx) {
  // gamma dy, in dx first: its mean, and that of its product with the normalised input, come from
  // it.
  if (span == 1) {
    Run<T>(dx, channels) = ConstRun<T>(dy, channels) * ConstRun<T>(gamma, channels);
  } else {
    for (Index c = 0; c < channels; ++c) {
      Run<T>(dx + c * span, span) = ConstRun<T>(dy + c * span, span) * gamma[c];
    }
  }
  const Index length = channels * span;
  Run<T> head(dx, length);
  const double share = 1.0 / static_cast<double>(length);
  const T mean_head = static_cast<T>(sum(head) * share);
  const T mean_product = static_cast<T>(sum(head * normalised(x, length, moments, i)) * share);
  head = (head - mean_head - normalised(x, length, moments, i) * mean_product) * moments.scale[i];
}

}  // namespace

template <class T>
void norm_backward(const T* dy, const T* x, const NormView& view, Index begin, Index end,
                   const NormMoments<T>& moments, const T* gamma, const T* mean_head,
                   const T* mean_product, T* dx) {
  const Index size = view.channels * view.span;
  for (Index n = begin; n < end; ++n) {
    const Index at = n * size;
    if (over_samples(view)) {
      backward_over_samples(dy + at, x + at, view, moments, gamma, mean_head, mean_product,
                            dx + at);
      continue;
    }
    const Index width = channels_in_group(view);
    for (Index c = 0; c < view.channels; c += width) {
      const Index place = at + c * view.span;
      backward_group(dy + place, x + place, width, view.span, moments, group_of(view, n, c),
                     gamma + c, dx + place);
    }
  }
}

template <class T>
void prelu_forward(const T* x, const NormView& view, Index begin, Index end, const T* slopes,
                   T* y) {
  const Index size = view.channels * view.span;
  for (Index n = begin; n < end; ++n) {
    if (view.span == 1) {
      const ConstRun<T> values(x + n * size, size);
      Run<T>(y + n * size, size) =
          (values > T(0)).select(values, values * ConstRun<T>(slopes, size));
      continue;
    }
    for (Index c = 0; c < view.channels; ++c) {
      const ConstRun<T> values(x + n * size + c * view.span, view.span);
      Run<T>(y + n * size + c * view.span, view.span) =
          (values > T(0)).select(values, values * slopes[c]);
    }
  }
}

template <class T>
void prelu_backward(const T* dy, const T* x, const NormView& view, Index begin, Index end,
                    const T* slopes, T* dx) {
  const Index size = view.channels * view.span;
  for (Index n = begin; n < end; ++n) {
    if (view.span == 1) {
      const ConstRun<T> head(dy + n * size, size);
      Run<T>(dx + n * size, size) =
          (ConstRun<T>(x + n * size, size) > T(0)).select(head, head * ConstRun<T>(slopes, size));
      continue;
    }
    for (Index c = 0; c < view.channels; ++c) {
      const Index at = n * size + c * view.span;
      const ConstRun<T> head(dy + at, view.span);
      Run<T>(dx + at, view.span) =
          (ConstRun<T>(x + at, view.span) > T(0)).select(head, head * slopes[c]);
    }
  }
}

template <class T>
void prelu_slope_sums(const T* dy, const T* x, const NormView& view, Index begin, Index end,
                      double* sums) {
  const Index size = view.channels * view.span;
  if (view.span == 1) {
    for (Index first = begin; first < end; first += column_block) {
      const Index count = first + column_block < end ? column_block : end - first;
      ColumnSums total = ColumnSums::Zero(count);
      for (Index n = 0; n < view.samples; ++n) {
        total += (ConstRun<T>(dy + n * size + first, count) *
                  ConstRun<T>(x + n * size + first, count).min(T(0)))
                     .template cast<double>();
      }
      Run<double>(sums + first, count) = total;
    }
    return;
  }
  for (Index c = begin; c < end; ++c) {
    sums[c] = 0.0;
    for (Index n = 0; n < view.samples; ++n) {
      const Index at = n * size + c * view.span;
      sums[c] += sum(ConstRun<T>(dy + at, view.span) * ConstRun<T>(x + at, view.span).min(T(0)));
    }
  }
}

void add_norm(KernelSet& set) {
  const auto add = []<class T>(Table<T>& table) {
    table.norm_moments = norm_moments<T>;
    table.norm_forward = norm_forward<T>;
    table.norm_channel_sums = norm_channel_sums<T>;
    table.norm_backward = norm_backward<T>;
    table.prelu_forward = prelu_forward<T>;
    table.prelu_backward = prelu_backward<T>;
    table.prelu_slope_sums = prelu_slope_sums<T>;
  };
  add(set.f32);
  add(set.f64);
}

}  // namespace glueball::kernels::GLUEBALL_TARGET
