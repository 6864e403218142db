# What is installed: the program with its man pages and completion, the library static and shared, headers, pkg-config and
# CMake packages; and the same as a Debian package (script/package).
include(GNUInstallDirs)

# The shared library is made of the same objects as the static one. Only what BYOL_API marks is visible.
get_target_property(byol_libraries byol LINK_LIBRARIES)
get_target_property(byol_objects byol SOURCES)
list(FILTER byol_objects INCLUDE REGEX "TARGET_OBJECTS")
add_library(byol_shared SHARED $<TARGET_OBJECTS:byol> ${byol_objects} $<TARGET_OBJECTS:byol_messages>)
list(REMOVE_ITEM byol_libraries byol_messages)
target_link_libraries(byol_shared PRIVATE ${byol_libraries} PkgConfig::PROTOBUF_C)
target_include_directories(byol_shared PUBLIC include)
target_link_options(byol_shared PRIVATE -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/byol.map)
set_property(TARGET byol_shared APPEND PROPERTY LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/byol.map)
# Before 1.0 a minor version may change the interface.
set_target_properties(byol_shared PROPERTIES OUTPUT_NAME byol VERSION ${PROJECT_VERSION} LINKER_LANGUAGE C
                      SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})

install(TARGETS byol_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS byol byol_shared ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/byol DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

# pkg-config and CMake. Both name what the static library needs: the shared libraries of others, by their names.
set(BYOL_LIBS "-ldnnl ${OpenMP_C_FLAGS} -pthread -lm")
foreach(library ${YAML_LIBRARIES} ${JANSSON_LIBRARIES} ${ARCHIVE_LIBRARIES} ${XXHASH_LIBRARIES} ${TURBOJPEG_LIBRARIES}
                ${SPNG_LIBRARIES} ${WEBP_LIBRARIES} ${UTF8PROC_LIBRARIES} ${EXPAT_LIBRARIES} ${SNDFILE_LIBRARIES}
                ${SAMPLERATE_LIBRARIES} ${KISSFFT_LIBRARIES} ${PROTOBUF_C_LIBRARIES})
  string(PREPEND BYOL_LIBS "-l${library} ")
endforeach()
file(RELATIVE_PATH BYOL_TO_INCLUDE ${CMAKE_INSTALL_FULL_LIBDIR}/cmake/byol ${CMAKE_INSTALL_FULL_INCLUDEDIR})
file(RELATIVE_PATH BYOL_TO_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/byol.pc.in byol.pc @ONLY)
configure_file(cmake/byol-config.cmake.in byol-config.cmake @ONLY)
include(CMakePackageConfigHelpers)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/byol-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/byol.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/byol-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/byol-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/byol)

# Man pages and completion are written by the program itself, from its tables of options.
set(described ${CMAKE_CURRENT_BINARY_DIR}/described)
add_custom_command(OUTPUT ${described}/byol.1 DEPENDS byol_program
                   COMMAND byol_program options --documents ${described})
add_custom_target(byol_described ALL DEPENDS ${described}/byol.1)
install(DIRECTORY ${described}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")
install(FILES ${described}/byol.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME byol)
install(FILES ${described}/_byol DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${described}/byol.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME byol)
set(CPACK_PACKAGE_VENDOR "byol")
set(CPACK_PACKAGE_CONTACT "maintainers of byol <byol@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Self-supervised pre-training of image encoders (BYOL) on the CPU")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS dataset-fashion-mnist)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON) # Depends: the packages of the shared libraries that are really linked
include(CPack)
