#pragma once

namespace glueball {

/// Standard deviation of the unit normal cut off at `low` and `high`, which may be infinite.
double cut_normal_deviation(double low, double high);

}  // namespace glueball
