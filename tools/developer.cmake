# What only developers build: programs, examples and tests. Everything is globbed; adding a file to
# tools/, examples/ or tests/ needs no edit here.

add_compile_options(-Wall -Wextra -Werror)
target_compile_options(xtape PRIVATE -Wall -Wextra -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # false alarms inside g++ 12's own avx512fintrin.h and char_traits.h; clang's warnings stay on
  set(false_alarms -Wno-uninitialized -Wno-maybe-uninitialized -Wno-restrict)
  add_compile_options(${false_alarms})
  target_compile_options(xtape PRIVATE ${false_alarms})
endif()
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set_target_properties(xtape PROPERTIES CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

need(doctest 2.4 doctest/doctest v2.4.9)
need(CLI11 2.1 CLIUtils/CLI11 v2.1.2)
enable_testing()

# The catalogue of a program has the array operations that it links: all of them here.
set(whole_xtape $<LINK_LIBRARY:WHOLE_ARCHIVE,xtape>)

# Programs: each tools/NAME.cpp, with tools/NAME/*.cpp where there are any, is bin/NAME.
file(GLOB programs CONFIGURE_DEPENDS tools/*.cpp)
foreach(source IN LISTS programs)
  get_filename_component(name ${source} NAME_WE)
  file(GLOB parts CONFIGURE_DEPENDS tools/${name}/*.cpp)
  add_executable(${name} ${source} ${parts})
  target_link_libraries(${name}
    PRIVATE ${whole_xtape} CLI11::CLI11 nlohmann_json::nlohmann_json fmt::fmt)
endforeach()

target_precompile_headers(conformance PRIVATE <nlohmann/json.hpp> <xtape/xtape.hpp>)
foreach(program IN ITEMS train bench gradcheck catalogue)
  target_precompile_headers(${program} REUSE_FROM conformance)
endforeach()

# The same workloads for libtorch, to measure beside: `./dev bench` builds it where it is found.
find_package(Torch QUIET)
if(Torch_FOUND)
  add_executable(bench_torch EXCLUDE_FROM_ALL benchmarks/torch.cpp
    tools/bench/work.cpp tools/bench/workloads.cpp)
  target_include_directories(bench_torch SYSTEM PRIVATE ${TORCH_INCLUDE_DIRS})
  target_include_directories(bench_torch PRIVATE ${CMAKE_BINARY_DIR}/include)
  target_link_libraries(bench_torch PRIVATE ${TORCH_LIBRARIES} CLI11::CLI11
    nlohmann_json::nlohmann_json)
endif()

# Examples: each prints what the comment block at its end says.
file(GLOB examples CONFIGURE_DEPENDS examples/*.cpp)
foreach(source IN LISTS examples)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE xtape)
  add_test(NAME example.${name} COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:${name}>
    -DSOURCE=${source} -P ${PROJECT_SOURCE_DIR}/tools/compare_output.cmake)
endforeach()

# Tests: every tests/**/*.test.cpp, in one program.
file(GLOB_RECURSE tests CONFIGURE_DEPENDS tests/*.test.cpp tests/oracle/*.cpp)
add_executable(tests ${tests})
target_compile_options(tests PRIVATE -O0)  # compiling them takes longer than running them
target_link_libraries(tests
  PRIVATE ${whole_xtape} doctest::doctest nlohmann_json::nlohmann_json fmt::fmt ZLIB::ZLIB)
target_compile_definitions(tests PRIVATE XTAPE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
add_dependencies(tests train bench)  # tests/tools runs them
target_precompile_headers(tests PRIVATE <doctest/doctest.h> <xtape/xtape.hpp>)
set_source_files_properties(tests/main.test.cpp tests/oracle/formula.cpp
  PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
add_test(NAME tests COMMAND tests)

include(tools/rules.cmake)
