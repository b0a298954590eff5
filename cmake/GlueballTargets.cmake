# What glueball's own targets share: the language level, warnings, and how kernels are compiled. The
# level of optimisation is CMAKE_BUILD_TYPE's for all of them: -O3 for Release.

# Compile options of everything in this repository; nothing here reaches programs that link to it.
add_library(glueball_options INTERFACE)
target_compile_features(glueball_options INTERFACE cxx_std_20)
if(NOT MSVC)
  target_compile_options(
    glueball_options
    INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
              # The interface is visible in a shared object, but never interposed there.
              -fno-semantic-interposition
              $<$<BOOL:${GLUEBALL_WERROR}>:-Werror>
              # GCC 12 takes "text" + std::string for an overlapping copy (its bug 105651).
              $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
              # The same bits on every machine: a compiler must not fuse a*b+c where the hardware
              # could. Kernels that want fused operations ask for them by name.
              -ffp-contract=off)
endif()

# Builds the kernel sources once for the instruction set `isa`, into object library
# glueball_kernels_<isa>. The only place that knows the flags.
#
# Everything in such a file is in namespace glueball::kernels::<isa>, and Eigen's namespace is
# renamed per instruction set, so that no inline function compiled for one can be picked by the
# linker for another. scripts/check_kernel_symbols.py looks whether that holds.
function(glueball_add_kernels isa)
  set(target glueball_kernels_${isa})
  add_library(${target} OBJECT ${ARGN})
  target_link_libraries(${target} PRIVATE glueball_options glueball_eigen)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/cpp/include
                                               ${PROJECT_SOURCE_DIR}/cpp/src)
  target_compile_definitions(
    ${target}
    PRIVATE GLUEBALL_TARGET=${isa} Eigen=Eigen_${isa}
            # Threads are the caller's business (parallel.h), and a kernel must not start more.
            EIGEN_DONT_PARALLELIZE)
  set_target_properties(
    ${target} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden
                         VISIBILITY_INLINES_HIDDEN ON INTERPROCEDURAL_OPTIMIZATION OFF)
  if(isa MATCHES "^v[1-4]$")
    target_compile_options(${target} PRIVATE -march=x86-64-${isa})
  elseif(NOT isa STREQUAL baseline)
    message(FATAL_ERROR "expected v1, v2, v3, v4 or baseline in GLUEBALL_ISAS, found '${isa}'; "
                        "correct -DGLUEBALL_ISAS")
  endif()
  if(NOT MSVC)
    target_compile_options(
      ${target}
      PRIVATE # Loops with sqrt can then use vectors: fourteen of the optimizers' updates take a fourth
              # to a ninth of the time (bench/cpp/kernels.cpp). Results stay as IEEE 754 has them.
              -fno-math-errno
              # Kernels throw nothing; without tables for it they share no personality routine.
              -fno-exceptions -fno-asynchronous-unwind-tables
              # As the library.
              $<$<CONFIG:Release>:-ffunction-sections> $<$<CONFIG:Release>:-fdata-sections>)
  endif()
  if(isa STREQUAL v4)
    target_compile_options(
      ${target}
      PRIVATE # GCC 12's own AVX-512 header trips both.
              $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized -Wno-maybe-uninitialized>)
  endif()
  target_sources(glueball PRIVATE $<TARGET_OBJECTS:${target}>)
endfunction()
