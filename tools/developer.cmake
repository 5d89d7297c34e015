# What only developers build: programs, examples and tests. Everything is globbed; adding a file to
# tools/, examples/ or tests/ needs no edit here.

set(warnings -Wall -Wextra -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # false alarms inside g++ 12's own avx512fintrin.h and char_traits.h, the last three where these
  # are precompiled; clang's warnings stay on
  list(APPEND warnings -Wno-uninitialized -Wno-maybe-uninitialized -Wno-restrict
    -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds)
endif()
add_compile_options(${warnings})
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
if(CMAKE_CXX_FLAGS_DEBUG MATCHES sanitize)
  # recorded gradients only call what does the work; optimising these calls takes a minute
  set_property(SOURCE ops/kernels_graph.cpp nn/kernels_graph.cpp
    APPEND PROPERTY COMPILE_OPTIONS -O0)
endif()
# Most of what a usual file takes to compile. Files with options of their own cannot use headers
# that were compiled without these.
set(precompiled <fmt/format.h> <xtape/autograd/tape.hpp>)
foreach(source IN LISTS sources)
  get_source_file_property(options ${source} COMPILE_OPTIONS)
  if(options)
    set_source_files_properties(${source} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  endif()
endforeach()
foreach(target IN ITEMS xtape ${levels})
  target_compile_options(${target} PRIVATE ${warnings})
  target_precompile_headers(${target} PRIVATE ${precompiled})
  if(CCACHE)
    set_target_properties(${target} PROPERTIES CXX_COMPILER_LAUNCHER ${CCACHE})
  endif()
endforeach()

need(doctest 2.4 doctest/doctest v2.4.9)
need(CLI11 2.1 CLIUtils/CLI11 v2.1.2)
enable_testing()

# The catalogue of a program has the array operations that it links: all of them here.
set(whole_xtape $<LINK_LIBRARY:WHOLE_ARCHIVE,xtape>)
if(XTAPE_PORTABLE)
  set(whole_xtape xtape)
endif()

# Programs: each tools/NAME.cpp, with tools/NAME/*.cpp where there are any, is bin/NAME. The library
# does their work; bench, which times the calls of a program, is optimised as the library is.
file(GLOB programs CONFIGURE_DEPENDS tools/*.cpp)
foreach(source IN LISTS programs)
  get_filename_component(name ${source} NAME_WE)
  file(GLOB parts CONFIGURE_DEPENDS tools/${name}/*.cpp)
  add_executable(${name} ${source} ${parts})
  target_link_libraries(${name}
    PRIVATE ${whole_xtape} CLI11::CLI11 nlohmann_json::nlohmann_json fmt::fmt)
  if(NOT name STREQUAL bench)
    target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  endif()
endforeach()

target_precompile_headers(train PRIVATE <nlohmann/json.hpp> <xtape/xtape.hpp>)
foreach(program IN ITEMS conformance gradcheck catalogue)
  target_precompile_headers(${program} REUSE_FROM train)
endforeach()

# The same workloads for libtorch, to measure beside: `./dev bench` builds it where it is found.
find_package(Torch QUIET)
if(Torch_FOUND)
  add_executable(bench_torch EXCLUDE_FROM_ALL benchmarks/torch.cpp
    tools/bench/work.cpp tools/bench/workloads.cpp)
  target_include_directories(bench_torch PRIVATE ${CMAKE_BINARY_DIR}/include)
  target_link_libraries(bench_torch PRIVATE CLI11::CLI11 nlohmann_json::nlohmann_json
    ${CMAKE_DL_LIBS})
endif()

# The same perceptron for ggml and for MLX, by their files, which any installation has.
find_path(GGML_HEADERS ggml.h)
find_library(GGML ggml)
find_library(GGML_BASE ggml-base)
if(GGML_HEADERS AND GGML AND GGML_BASE)
  add_executable(bench_ggml EXCLUDE_FROM_ALL benchmarks/ggml.cpp)
  target_include_directories(bench_ggml SYSTEM PRIVATE ${GGML_HEADERS})
  cmake_path(GET GGML PARENT_PATH folder)
  target_compile_definitions(bench_ggml PRIVATE GGML_FOLDER="${folder}")
  target_link_libraries(bench_ggml PRIVATE ${GGML} ${GGML_BASE} xtensor-blas BLAS::BLAS)
endif()
find_path(MLX_HEADERS mlx/mlx.h)
find_library(MLX mlx)
if(MLX_HEADERS AND MLX)
  add_executable(bench_mlx EXCLUDE_FROM_ALL benchmarks/mlx.cpp)
  target_include_directories(bench_mlx SYSTEM PRIVATE ${MLX_HEADERS})
  target_link_libraries(bench_mlx PRIVATE ${MLX} BLAS::BLAS)
endif()
foreach(target IN ITEMS bench_ggml bench_mlx)
  if(TARGET ${target})
    target_sources(${target} PRIVATE tools/bench/work.cpp tools/bench/workloads.cpp)
    target_include_directories(${target} PRIVATE ${CMAKE_BINARY_DIR}/include)
    target_link_libraries(${target} PRIVATE CLI11::CLI11 nlohmann_json::nlohmann_json
      ${CMAKE_DL_LIBS})
  endif()
endforeach()

# Products and convolutions beside OpenBLAS's and oneDNN's, where the latter is found: by its files,
# because Debian's package for CMake stops the configuration where OpenCL is missing.
find_path(ONEDNN_HEADERS oneapi/dnnl/dnnl.hpp)
find_library(ONEDNN dnnl)
if(ONEDNN_HEADERS AND ONEDNN)
  add_executable(products EXCLUDE_FROM_ALL benchmarks/products.cpp)
  target_include_directories(products SYSTEM PRIVATE ${ONEDNN_HEADERS})
  target_link_libraries(products PRIVATE xtape xtensor-blas fmt::fmt ${ONEDNN} BLAS::BLAS
    ${CMAKE_DL_LIBS})
endif()

# The program of the README, and the same for libtorch. `compare` measures them, and compiles them
# again as a user does who wants to see a result soon.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS README.md)
file(READ README.md text)
string(REGEX REPLACE ".*\n```cpp\n(.*)\n```\n\nprints.*" "\\1\n" text "${text}")
set(program ${CMAKE_BINARY_DIR}/program.cpp)
file(CONFIGURE OUTPUT ${program} CONTENT "${text}" @ONLY)
target_compile_definitions(compare PRIVATE XTAPE_COMPILER="${CMAKE_CXX_COMPILER}")
add_executable(program_xtape EXCLUDE_FROM_ALL ${program})
target_link_libraries(program_xtape PRIVATE xtape)
if(Torch_FOUND)
  add_executable(program_torch EXCLUDE_FROM_ALL benchmarks/program.cpp)
  foreach(target IN ITEMS bench_torch program_torch)
    target_include_directories(${target} SYSTEM PRIVATE ${TORCH_INCLUDE_DIRS})
    target_link_libraries(${target} PRIVATE ${TORCH_LIBRARIES})
  endforeach()
endif()
foreach(target IN ITEMS program_xtape program_torch)
  if(TARGET ${target})
    set(folders_of "$<TARGET_PROPERTY:${target},INCLUDE_DIRECTORIES>")
    get_target_property(source ${target} SOURCES)
    cmake_path(ABSOLUTE_PATH source)
    file(GENERATE OUTPUT ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/${target}.flags
      CONTENT "-std=c++20 -O0 -c ${source}\n-I$<JOIN:${folders_of},\n-I>\n")
  endif()
endforeach()

# Examples: each prints what the comment block at its end says.
file(GLOB examples CONFIGURE_DEPENDS examples/*.cpp)
foreach(source IN LISTS examples)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE xtape)
  add_test(NAME example.${name} COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:${name}>
    -DSOURCE=${source} -P ${PROJECT_SOURCE_DIR}/tools/compare_output.cmake)
endforeach()

# Tests: every tests/**/*.test.cpp, in one program. Headers take most of the time to compile one, so
# several are compiled together: behind the headers of all of them, each in a namespace of its own.
# What must be outside of namespaces is compiled alone.
file(GLOB_RECURSE tests CONFIGURE_DEPENDS tests/*.test.cpp)
file(GLOB_RECURSE units CONFIGURE_DEPENDS tests/*.cpp)
list(FILTER units EXCLUDE REGEX "/(consumers|refuses)/")  # programs of their own
list(REMOVE_ITEM units ${tests})
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${tests})
# This one has formulas of its own in shapes of all kinds; without optimisation strips for rows are
# not compiled for those.
set(optimised ${PROJECT_SOURCE_DIR}/tests/autograd/elementwise.test.cpp)
set(headers)
set(bodies)
set(number 0)
foreach(source IN LISTS tests ITEMS end)
  if(NOT source STREQUAL end)
    file(STRINGS ${source} outside REGEX "^(extern \"C\"|#define DOCTEST_CONFIG)")
    if(outside OR source STREQUAL optimised)
      list(APPEND units ${source})
      continue()
    endif()
    cmake_path(GET source PARENT_PATH folder)
    file(STRINGS ${source} included REGEX "^#include ")
    list(TRANSFORM included REPLACE "\"(.*)\"" "\"${folder}/\\1\"")
    list(APPEND headers ${included})
    math(EXPR number "${number} + 1")
    string(APPEND bodies "namespace file_${number} {\n#include \"${source}\"\n}\n")
    math(EXPR rest "${number} % 6")
  endif()
  if(bodies AND (rest EQUAL 0 OR source STREQUAL end))
    list(REMOVE_DUPLICATES headers)
    list(JOIN headers "\n" headers)
    set(unit ${CMAKE_BINARY_DIR}/tests/${number}.cpp)
    file(CONFIGURE OUTPUT ${unit} CONTENT "${headers}\n${bodies}" @ONLY)
    list(APPEND units ${unit})
    set(headers)
    set(bodies)
  endif()
endforeach()
add_executable(tests ${units} tools/bench/work.cpp tools/bench/workloads.cpp)
target_compile_options(tests PRIVATE -O0)  # compiling them takes longer than running them
target_link_libraries(tests
  PRIVATE ${whole_xtape} doctest::doctest CLI11::CLI11 nlohmann_json::nlohmann_json fmt::fmt
  ZLIB::ZLIB)
target_compile_definitions(tests PRIVATE XTAPE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
add_dependencies(tests train bench compare)  # tests/tools runs them
target_precompile_headers(tests PRIVATE <doctest/doctest.h> <xtape/xtape.hpp>)
set_source_files_properties(tests/main.test.cpp tests/oracle/formula.cpp
  PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
set_source_files_properties(${optimised}
  PROPERTIES COMPILE_OPTIONS -O1 SKIP_PRECOMPILE_HEADERS ON)
add_test(NAME tests COMMAND tests)
# The loader may be told to take what an older processor would get; not for the programs that
# tests/tools runs.
if(XTAPE_PORTABLE)
  foreach(level IN ITEMS x86-64-v2 x86-64-v3)
    add_test(NAME tests.${level}
      COMMAND /lib64/ld-linux-x86-64.so.2 --glibc-hwcaps-mask ${level} $<TARGET_FILE:tests>
      -sfe=*tests/tools/*)
  endforeach()
endif()

include(tools/rules.cmake)
