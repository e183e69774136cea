# Debian puts OpenCV's package configuration into libopencv-dev, which pulls every module and its
# dependencies; core and imgproc have development packages of their own.
find_path(OpenCvModules_INCLUDE_DIR NAMES opencv2/core.hpp PATH_SUFFIXES opencv4)
find_library(OpenCvModules_core_LIBRARY NAMES opencv_core)
find_library(OpenCvModules_imgproc_LIBRARY NAMES opencv_imgproc)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenCvModules REQUIRED_VARS
  OpenCvModules_INCLUDE_DIR OpenCvModules_core_LIBRARY OpenCvModules_imgproc_LIBRARY)
if(OpenCvModules_FOUND)
  foreach(module core imgproc)
    if(NOT TARGET OpenCv::${module})
      add_library(OpenCv::${module} SHARED IMPORTED)
      set_target_properties(OpenCv::${module} PROPERTIES
        IMPORTED_LOCATION "${OpenCvModules_${module}_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${OpenCvModules_INCLUDE_DIR}")
    endif()
  endforeach()
  set_property(TARGET OpenCv::imgproc APPEND PROPERTY INTERFACE_LINK_LIBRARIES OpenCv::core)
endif()
