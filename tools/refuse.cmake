# A program that must not compile: COMPILE, a list, fails on SOURCE and says what the first line of
# SOURCE, "// Refused: text", says.
#
#   cmake "-DCOMPILE=g++;-fsyntax-only" -DSOURCE=tests/refuses/capture.cpp -P tools/refuse.cmake

file(READ ${SOURCE} text)
if(NOT text MATCHES "^// Refused: ([^\n]+)\n")
  message(FATAL_ERROR "${SOURCE} does not begin with '// Refused: ' and what the compiler says")
endif()
set(reason "${CMAKE_MATCH_1}")
execute_process(COMMAND ${COMPILE} ${SOURCE} OUTPUT_VARIABLE printed ERROR_VARIABLE printed
  RESULT_VARIABLE result)
string(FIND "${printed}" "${reason}" at)
if(result EQUAL 0)
  message(FATAL_ERROR "${SOURCE} compiles, but should be refused: ${reason}")
elseif(at EQUAL -1)
  message("${printed}")
  message(FATAL_ERROR "${SOURCE} is refused, but not by saying: ${reason}")
endif()
# the same program with the mistake taken out compiles, so nothing else is wrong with it
execute_process(COMMAND ${COMPILE} -DCORRECT ${SOURCE} ERROR_VARIABLE printed
  RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message("${printed}")
  message(FATAL_ERROR "${SOURCE} does not even compile with -DCORRECT")
endif()
