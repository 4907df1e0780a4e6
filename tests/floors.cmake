# floors.cmake: reads every include line and fails on a step upward, sideways, or a foreign library out of its place.
# Run: cmake -DROOT=<tree> -P tests/floors.cmake

cmake_minimum_required(VERSION 3.22)
set(floor_base base)
set(floor_model base model)
set(floor_ingest base model ingest)
set(floor_rules base model rules)
set(floor_store base model store)
set(floor_alerting base model store alerting)
set(floor_console base model store alerting console)
set(floor_app base model ingest rules store alerting console app)
set(floor_simulators base model simulators)

# header pattern | files that may include it
set(foreign
    "^modbus/" "^ingest/mbus_[a-z_]+\\.c$|^simulators/|^app/cmd_probe\\.c$"
    "^MQTT" "^ingest/broker_link\\.c$|^alerting/sink_mqtt\\.c$|^simulators/"
    "^rocksdb/" "^store/"
    "^microhttpd" "^console/http\\.c$"
    "^curl/" "^alerting/http_post\\.c$"
    "^stdatomic" "^base/")

set(faults 0)
foreach(folder base model ingest rules store alerting console app simulators)
    file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/${folder}/*.c ${ROOT}/${folder}/*.h)
    foreach(file ${files})
        file(STRINGS ${ROOT}/${file} lines REGEX "^[ \t]*#[ \t]*include")
        foreach(line ${lines})
            if(line MATCHES "include[ \t]+\"([^\"]+)\"")
                set(header ${CMAKE_MATCH_1})
                string(REGEX MATCH "^[a-z]+" to ${header})
                if(NOT to IN_LIST floor_${folder} OR NOT header MATCHES "/")
                    message(SEND_ERROR "${file}: includes \"${header}\", which is not on or below its floor")
                    math(EXPR faults "${faults} + 1")
                endif()
            elseif(line MATCHES "include[ \t]+<([^>]+)>")
                set(header ${CMAKE_MATCH_1})
                set(rules ${foreign})
                while(rules)
                    list(POP_FRONT rules pattern places)
                    if(header MATCHES "${pattern}" AND NOT file MATCHES "${places}")
                        message(SEND_ERROR "${file}: <${header}> may only be included by ${places}")
                        math(EXPR faults "${faults} + 1")
                    endif()
                endwhile()
            endif()
        endforeach()
    endforeach()
endforeach()
if(faults EQUAL 0)
    message("floors hold")
endif()
