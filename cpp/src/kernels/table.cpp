// One instruction set's kernels, collected in the table that the rest of the library sees.

#include "kernels/table.h"

namespace glueball::kernels::GLUEBALL_TARGET {

// Each is defined by the file of that name beside this one, and adds that file's kernels.
void add_activation(KernelSet& set);
void add_constant(KernelSet& set);
void add_few_rows(KernelSet& set);
void add_loss(KernelSet& set);
void add_norm(KernelSet& set);
void add_optimizer(KernelSet& set);
void add_orthogonal(KernelSet& set);
void add_product(KernelSet& set);
void add_random(KernelSet& set);

#define GLUEBALL_TEXT_OF(name) #name
#define GLUEBALL_TEXT(name) GLUEBALL_TEXT_OF(name)

// A function, which core/dispatch.cpp calls only where the processor can run these kernels.
const KernelSet& kernel_set() {
  static const KernelSet all = [] {
    KernelSet set{};
    set.name = GLUEBALL_TEXT(GLUEBALL_TARGET);
    add_activation(set);
    add_constant(set);
    add_few_rows(set);
    add_loss(set);
    add_norm(set);
    add_optimizer(set);
    add_orthogonal(set);
    add_product(set);
    add_random(set);
    return set;
  }();
  return all;
}

}  // namespace glueball::kernels::GLUEBALL_TARGET
