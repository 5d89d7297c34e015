# Every header of FOLDER compiles without another included before it; COMPILE is a list.
#
#   cmake "-DCOMPILE=g++;-fsyntax-only" -DFOLDER=autograd -P tools/headers_alone.cmake

file(GLOB headers ${FOLDER}/*.hpp)
foreach(header IN LISTS headers)
  execute_process(COMMAND ${COMPILE} -x c++ -include ${header} /dev/null ERROR_VARIABLE printed
    RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message("${printed}")
    message(SEND_ERROR "${header} does not compile alone")
  endif()
endforeach()
