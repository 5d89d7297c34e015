# Every header of FOLDER compiles without another included before it; COMPILE is a list. Those that
# lead to autograd/tape.hpp find that one compiled in TAPE, which they include anyway; so whatever
# else they need before it is checked without it.
#
#   cmake "-DCOMPILE=g++;-fsyntax-only" -DFOLDER=ops -DTAPE=tape.hpp -P tools/headers_alone.cmake

# Sets `leads_to_tape` for a header of the project, named as in its includes.
set(tape autograd/tape.hpp)
function(follow header)
  set(leads OFF)
  file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/../${header} includes REGEX "^#include <xtape/")
  foreach(line IN LISTS includes)
    string(REGEX REPLACE ".*<xtape/(.*)>.*" "\\1" next "${line}")
    if(next STREQUAL tape)
      set(leads ON)
    elseif(NOT DEFINED leads_${next})
      follow(${next})
    endif()
    if(leads_${next})
      set(leads ON)
    endif()
  endforeach()
  set(leads_${header} ${leads} CACHE INTERNAL "")
endfunction()

get_filename_component(folder ${FOLDER} NAME)
file(GLOB headers RELATIVE ${FOLDER} ${FOLDER}/*.hpp)
foreach(header IN LISTS headers)
  follow(${folder}/${header})
  set(compiled)
  if(leads_${folder}/${header})
    set(compiled -include ${TAPE})
  endif()
  execute_process(COMMAND ${COMPILE} -x c++ ${compiled} -include ${FOLDER}/${header} /dev/null
    ERROR_VARIABLE printed RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message("${printed}")
    message(SEND_ERROR "${FOLDER}/${header} does not compile alone")
  endif()
endforeach()
