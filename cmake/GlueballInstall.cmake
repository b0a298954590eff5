# Installs the C++ library as a CMake package: find_package(glueball), glueball::glueball.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/glueball)

# What is installed is one object, where the tools can make it: the archive's objects linked to each
# other. Most of the archive's bytes are copies of inline functions, and names and tables for each
# function; and what is hidden becomes local, so that a program sees the interface only. Programs
# use nearly all of the library whatever they call: the kernels hang together by their tables.
#
# Local too are the standard library's functions, and the counters of what make_shared() makes, all
# copied into it under names of two hundred letters: a program has its own copies of what it uses.
# What has to be one in a process stays weak.
set(installed glueball)
if(CMAKE_SYSTEM_NAME STREQUAL Linux AND CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_OBJCOPY)
  execute_process(COMMAND ${CMAKE_LINKER} --help OUTPUT_VARIABLE linker_help ERROR_QUIET)
  if(linker_help MATCHES "force-group-allocation")
    set(installed glueball_installed)
    set(one_object ${PROJECT_BINARY_DIR}/glueball.o)
    set(sections ${PROJECT_SOURCE_DIR}/cmake/one_object.ld)
    set(settle)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$" AND NOT CMAKE_CROSSCOMPILING)
      add_executable(glueball_settle_relocations ${PROJECT_SOURCE_DIR}/cmake/settle_relocations.cpp)
      target_link_libraries(glueball_settle_relocations PRIVATE glueball_options)
      # A copy leaves out what was settled.
      set(settle COMMAND glueball_settle_relocations ${one_object} COMMAND ${CMAKE_OBJCOPY}
                 ${one_object})
    endif()
    add_custom_command(
      OUTPUT ${one_object}
      COMMAND ${CMAKE_LINKER} -r --force-group-allocation -T ${sections} -o ${one_object}
              --whole-archive $<TARGET_FILE:glueball> --no-whole-archive
      COMMAND
        ${CMAKE_OBJCOPY} --localize-hidden --wildcard --localize-symbol=_ZNSt*
        --localize-symbol=_ZNKSt* --localize-symbol=_ZSt* --localize-symbol=_ZN9__gnu_cxx*
        --localize-symbol=_ZT[VIS]St23_Sp_counted_ptr_inplace* ${one_object}
      ${settle}
      DEPENDS glueball ${sections}
      COMMENT "Linking glueball's objects into one"
      VERBATIM)
    add_library(glueball_installed STATIC ${one_object})
    set_target_properties(
      glueball_installed
      PROPERTIES LINKER_LANGUAGE CXX
                 OUTPUT_NAME glueball
                 EXPORT_NAME glueball
                 ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/installed)
    target_compile_features(glueball_installed INTERFACE cxx_std_17)
    target_include_directories(glueball_installed
                               INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    target_link_libraries(glueball_installed INTERFACE Threads::Threads)
    target_link_options(glueball_installed INTERFACE LINKER:-z,nodelete)  # as glueball
  endif()
endif()

install(TARGETS ${installed} EXPORT glueballTargets COMPONENT cpp)
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
