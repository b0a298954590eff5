#pragma once

/// @file
/// Which symbols of the library other objects may see.

/// Marks the interface. What does not carry it is hidden in the library.
///
/// So a shared object that links the static library exports the interface and nothing else, and
/// types keep their identity (catching an Error, dynamic_cast) between objects that share it. To
/// export nothing at all, link with `-Wl,--exclude-libs,libglueball.a`, and compile the sources
/// that include these headers with GLUEBALL_HIDE_API defined.
#if !defined(GLUEBALL_HIDE_API) && (defined(__GNUC__) || defined(__clang__))
#define GLUEBALL_API __attribute__((visibility("default")))
#else
#define GLUEBALL_API
#endif
