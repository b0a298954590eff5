# Defines glueball_eigen, the headers that the kernels compile against.
#
# The pinned copy comes before an installed one: it is what the tests and the measured speeds refer
# to. Nothing is fetched here; third_party/README.md says what does.
set(vendored ${PROJECT_SOURCE_DIR}/third_party/eigen)

add_library(glueball_eigen INTERFACE)
if(GLUEBALL_EIGEN_DIR)
  if(EXISTS ${GLUEBALL_EIGEN_DIR}/Eigen/Core)
    set(eigen_include ${GLUEBALL_EIGEN_DIR})
  elseif(EXISTS ${GLUEBALL_EIGEN_DIR}/eigen3/Eigen/Core)
    set(eigen_include ${GLUEBALL_EIGEN_DIR}/eigen3)
  else()
    message(FATAL_ERROR "expected Eigen/Core below GLUEBALL_EIGEN_DIR, found none in "
                        "'${GLUEBALL_EIGEN_DIR}'; give the folder that holds the folder Eigen")
  endif()
elseif(EXISTS ${vendored}/VENDORED)
  set(eigen_include ${vendored})
else()
  find_package(Eigen3 5.0 CONFIG QUIET)
  if(NOT TARGET Eigen3::Eigen)
    message(FATAL_ERROR "expected Eigen >= 5.0, found none; run python third_party/vendor_eigen.py, "
                        "or install Eigen, or pass -DGLUEBALL_EIGEN_DIR=PATH")
  endif()
  get_target_property(eigen_include Eigen3::Eigen INTERFACE_INCLUDE_DIRECTORIES)
endif()
message(STATUS "Eigen: ${eigen_include}")
target_include_directories(glueball_eigen SYSTEM INTERFACE ${eigen_include})
