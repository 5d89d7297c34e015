// What changes parameters.
#pragma once
