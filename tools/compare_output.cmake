# Runs PROGRAM and compares what it prints with the comment block at the end of SOURCE:
#
#   // Output:
#   //   the first line
#   //
#   //   the third line
#
#   cmake -DPROGRAM=bin/example -DSOURCE=examples/example.cpp -P tools/compare_output.cmake

file(READ ${SOURCE} text)
string(FIND "${text}" "\n// Output:\n" at REVERSE)
if(at EQUAL -1)
  message(FATAL_ERROR "${SOURCE} has no line '// Output:' with what it prints below")
endif()
string(SUBSTRING "${text}" ${at} -1 expected)
string(REGEX REPLACE "^\n// Output:" "" expected "${expected}")
string(REGEX REPLACE "\n\n.*$" "\n" expected "${expected}")
string(REPLACE "\n//   " "\n" expected "${expected}")
string(REPLACE "\n//" "\n" expected "${expected}")
string(SUBSTRING "${expected}" 1 -1 expected)

execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE printed ERROR_VARIABLE complaints
  RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message("${printed}${complaints}")
  message(FATAL_ERROR "${PROGRAM} ended with ${result}")
endif()

# An editor takes spaces away from the ends of comment lines.
foreach(side expected printed)
  string(REGEX REPLACE "[ \t]+\n" "\n" ${side} "${${side}}\n")
  string(REGEX REPLACE "\n+$" "\n" ${side} "${${side}}")
endforeach()
if(NOT printed STREQUAL expected)
  message("---- expected\n${expected}---- printed\n${printed}----")
  message(FATAL_ERROR "${SOURCE}: the output differs")
endif()
