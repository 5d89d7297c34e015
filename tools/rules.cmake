# The rules of the house as tests: run one with `ctest -R rule`. Included from developer.cmake.

# What the files look like and who includes whom: tools/rules.cpp.
foreach(rule layers budgets forward_only mirrors)
  add_test(NAME rule.${rule} COMMAND rules ${rule} ${PROJECT_SOURCE_DIR})
endforeach()

# How the tests are compiled, for programs that are only checked.
set(flags "$<TARGET_PROPERTY:tests,INCLUDE_DIRECTORIES>")
file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/check_flags
  CONTENT "-std=c++20 -fsyntax-only -Wall -Wextra -Werror\n-I$<JOIN:${flags},\n-I>\n")
set(check ${CMAKE_CXX_COMPILER} @${CMAKE_BINARY_DIR}/check_flags)

# Every header compiles alone; one configuration tells for all.
if(CMAKE_BUILD_TYPE STREQUAL Release AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  set(tape ${CMAKE_BINARY_DIR}/headers/tape.hpp)
  file(CONFIGURE OUTPUT ${tape} CONTENT "#include <xtape/autograd/tape.hpp>\n")
  add_test(NAME rule.headers.tape
    COMMAND ${check} -fno-syntax-only -x c++-header ${tape} -o ${tape}.gch)
  set_tests_properties(rule.headers.tape PROPERTIES FIXTURES_SETUP compiled_tape)
  foreach(folder IN LISTS folders)
    add_test(NAME rule.headers.${folder}
      COMMAND ${CMAKE_COMMAND} "-DCOMPILE=${check};-Winvalid-pch" -DTAPE=${tape}
      -DFOLDER=${PROJECT_SOURCE_DIR}/${folder} -P ${PROJECT_SOURCE_DIR}/tools/headers_alone.cmake)
    set_tests_properties(rule.headers.${folder} PROPERTIES FIXTURES_REQUIRED compiled_tape)
  endforeach()
endif()

# Each tests/refuses/NAME.cpp must not compile, for the reason that its first line names.
file(GLOB refused CONFIGURE_DEPENDS tests/refuses/*.cpp)
foreach(source IN LISTS refused)
  get_filename_component(name ${source} NAME_WE)
  add_test(NAME refuse.${name} COMMAND ${CMAKE_COMMAND} "-DCOMPILE=${check}" -DSOURCE=${source}
    -P ${PROJECT_SOURCE_DIR}/tools/refuse.cmake)
endforeach()

# Each tests/consumers/NAME.cpp, and the program in the README, is built in a project of its own
# that finds the installed library. A sanitized library is not one to install.
if(NOT CMAKE_CXX_FLAGS_DEBUG MATCHES sanitize)
  set(installed ${CMAKE_BINARY_DIR}/installed)
  add_test(NAME install
    COMMAND ${CMAKE_COMMAND} --install ${CMAKE_BINARY_DIR} --prefix ${installed})
  set_tests_properties(install PROPERTIES FIXTURES_SETUP installed)
  file(GLOB consumers CONFIGURE_DEPENDS tests/consumers/*.cpp)
  if(XTAPE_PORTABLE)  # a shared library loads OpenBLAS, which leaves too little of a small stack
    list(FILTER consumers EXCLUDE REGEX deep_chain)
  endif()
  foreach(source IN LISTS consumers ITEMS ${PROJECT_SOURCE_DIR}/README.md)
    get_filename_component(name ${source} NAME_WE)
    add_test(NAME consumer.${name} COMMAND ${CMAKE_COMMAND} -DPREFIX=${installed} -DSOURCE=${source}
      -DCOMPILER=${CMAKE_CXX_COMPILER} -P ${PROJECT_SOURCE_DIR}/tools/consume.cmake)
    set_tests_properties(consumer.${name} PROPERTIES FIXTURES_REQUIRED installed)
  endforeach()
  # what g++ compiled serves programs that clang compiles
  find_program(CLANG NAMES clang++-14 clang++)
  if(CLANG AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_test(NAME consumer.clang COMMAND ${CMAKE_COMMAND} -DPREFIX=${installed}
      -DSOURCE=${PROJECT_SOURCE_DIR}/README.md -DCOMPILER=${CLANG}
      -P ${PROJECT_SOURCE_DIR}/tools/consume.cmake)
    set_tests_properties(consumer.clang PROPERTIES FIXTURES_REQUIRED installed)
  endif()
endif()

# What is written from the catalogue is up to date.
add_test(NAME docs.fresh COMMAND catalogue --check ${PROJECT_SOURCE_DIR}/docs/catalogue.md
  ${PROJECT_SOURCE_DIR}/docs/activations.svg)

# Cases that another program has recorded, where they lie beside the project.
set(corpus ${PROJECT_SOURCE_DIR}/../shared/conformance)
if(EXISTS ${corpus})
  add_test(NAME conformance COMMAND conformance ${corpus})
else()
  add_test(NAME conformance COMMAND ${CMAKE_COMMAND} -E echo "no recorded cases at ${corpus}")
endif()
