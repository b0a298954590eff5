# Installs the C++ library as a CMake package: find_package(glueball), glueball::glueball.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/glueball)

install(TARGETS glueball EXPORT glueballTargets COMPONENT cpp)
install(
  DIRECTORY ${PROJECT_SOURCE_DIR}/cpp/include/glueball
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT cpp
  FILES_MATCHING
  PATTERN *.h)
install(
  EXPORT glueballTargets
  NAMESPACE glueball::
  DESTINATION ${package_dir}
  COMPONENT cpp)

# The first is the runtime itself.
string(REGEX REPLACE ";.*" "" openmp_library "${OpenMP_CXX_LIBRARIES}")
string(REGEX REPLACE ";.*" "" openmp_name "${OpenMP_CXX_LIB_NAMES}")
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/glueballConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/glueballConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/glueballConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(
  FILES ${PROJECT_BINARY_DIR}/glueballConfig.cmake ${PROJECT_BINARY_DIR}/glueballConfigVersion.cmake
  DESTINATION ${package_dir}
  COMPONENT cpp)
if(NOT SKBUILD) # a wheel has its licences in its metadata
  install(
    FILES ${PROJECT_SOURCE_DIR}/LICENSE
    DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/glueball
    COMPONENT cpp)
endif()
