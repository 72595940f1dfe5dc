"""What the official forms ask of a requesting agency: the entries that a visit and an interview share.

After forms 01/BC-BNG and 04/BC-BNG (Nghị định 262/2026, annex) as far as they are known. Only what the law names is
`legal` and may hold a request up (Nghị định 63/2010 art. 18(6)).
"""

from __future__ import annotations

from states.language import AnyField, Field, Group, Rows, Text, When, choices

CATEGORIES = choices(
    ("A1", "Văn phòng thường trú: hoạt động tại địa phương", "Resident bureau: activity in the province"),
    ("A2", "Văn phòng thường trú: phỏng vấn lãnh đạo địa phương", "Resident bureau: interview of a local leader"),
    ("A3", "Phóng viên không thường trú, có giấy phép của Bộ Ngoại giao", "Non-resident press licensed by the Ministry"),
    ("A4", "Phóng viên không thường trú, đổi hoặc thêm chương trình", "Non-resident press changing or adding to a programme"),
    ("A5", "Báo chí theo đoàn do tỉnh mời", "Press with a delegation invited by the province"),
    ("A6", "Báo chí theo đoàn do trung ương mời", "Press with a delegation invited by national leaders"),
    ("A7", "Báo chí do tỉnh mời", "Press invited by the province"),
    ("A8", "Tổ chức Việt Nam sản xuất cho báo chí nước ngoài", "Vietnamese producer for a foreign outlet"),
    ("A9", "Thẻ trợ lý báo chí, giấy phép cộng tác viên", "Press assistant card or stringer permit"),
    ("A10", "Bộ, ngành hỏi ý kiến tỉnh", "A ministry asks the province's opinion"),
    ("A11", "Chỉ hỏi đáp bằng văn bản hoặc trực tuyến", "Written or online answers only"),
    ("A12", "Quay phim thương mại, phim truyện", "Commercial or fiction film"),
)  # fmt: skip

MEDIA = choices(
    ("agency", "Hãng thông tấn", "News agency"),
    ("radio", "Phát thanh", "Radio"),
    ("television", "Truyền hình", "Television"),
    ("print", "Báo in", "Print"),
    ("online", "Báo điện tử", "Online"),
    ("other", "Khác", "Other"),
)
CREW_ROLES = choices(
    ("correspondent", "Phóng viên", "Correspondent"),
    ("editor", "Biên tập viên", "Editor"),
    ("cameraman", "Quay phim", "Camera"),
    ("sound", "Âm thanh", "Sound"),
    ("producer", "Nhà sản xuất", "Producer"),
    ("assistant", "Trợ lý báo chí", "Press assistant"),
    ("stringer", "Cộng tác viên", "Stringer"),
    ("interpreter", "Phiên dịch", "Interpreter"),
    ("driver", "Lái xe", "Driver"),
)
SEXES = choices(("male", "Nam", "Male"), ("female", "Nữ", "Female"), ("other", "Khác", "Other"), ("not_stated", "Không nêu", "Not stated"))
VISAS = choices(
    ("PV1", "PV1 (thường trú)", "PV1 (resident)"),
    ("PV2", "PV2 (ngắn hạn)", "PV2 (short stay)"),
    ("other", "Loại khác", "Another kind"),
    ("none", "Chưa có hoặc được miễn", "None yet, or exempt"),
)
CURRENCIES = choices(
    ("USD", "Đô la Mỹ (USD)", "US dollar (USD)"), ("EUR", "Euro (EUR)", "Euro (EUR)"), ("JPY", "Yên Nhật (JPY)", "Japanese yen (JPY)"),
    ("GBP", "Bảng Anh (GBP)", "Pound sterling (GBP)"), ("CNY", "Nhân dân tệ (CNY)", "Yuan (CNY)"), ("VND", "Đồng Việt Nam (VND)", "Vietnamese dong (VND)"),
)  # fmt: skip
DEVICES = choices(
    ("drone", "Thiết bị bay không người lái", "Drone"),
    ("satellite", "Điện thoại vệ tinh, đầu truyền vệ tinh", "Satellite telephone or uplink"),
    ("transmitter", "Máy phát vô tuyến", "Radio transmitter"),
    ("wireless", "Micrô không dây", "Wireless microphone"),
)
INTERPRETERS = choices(
    ("none", "Không cần", "None needed"), ("ours", "Cơ quan đề nghị tự bố trí", "The applicant brings one"), ("yours", "Đề nghị địa phương bố trí", "The province is asked for one"),
)  # fmt: skip
RESIDENT = When("category", ("A1", "A2"))
LICENSED = When("category", ("A3", "A4", "A5", "A6", "A7"))

APPLICANT_BLOCK: tuple[AnyField, ...] = (
    Field("category", "choice", Text("Loại đề nghị", "Kind of request"), flag="legal", choices=CATEGORIES,
          help=Text("Quyết định mẫu đơn, thẩm quyền, thời hạn và giấy tờ.", "It decides the form, the authority, the clock and the papers.")),
    Group("outlet", Text("Cơ quan báo chí", "Outlet"), flag="legal", fields=(
        Field("name", "text", Text("Tên cơ quan báo chí (chữ La-tinh)", "Name of the outlet (Latin letters)"), flag="legal", max_length=200),
        Field("name_original", "text", Text("Tên nguyên ngữ", "Name in its own script"), max_length=200),
        Field("country", "country", Text("Nước", "Country"), flag="legal"),
        Field("media", "choice", Text("Loại hình", "Kind of media"), flag="needed", choices=MEDIA),
        Field("website", "text", Text("Trang mạng", "Website"), max_length=200),
        Field("audience", "text", Text("Công chúng", "Audience"), max_length=200,
              help=Text("Để hiểu nơi đăng; không dùng để đánh giá.", "To know where it will appear; it is judged by nobody.")),
    )),
    Group("bureau", Text("Văn phòng thường trú tại Việt Nam", "Resident bureau in Viet Nam"), when=RESIDENT, flag="legal", fields=(
        Field("name", "text", Text("Tên văn phòng", "Name of the bureau"), flag="legal", max_length=200),
        Field("address", "text", Text("Địa chỉ văn phòng", "Address of the bureau"), flag="legal", max_length=300),
        Field("head", "text", Text("Trưởng văn phòng", "Head of the bureau"), flag="legal", max_length=200, personal="name"),
        Field("licence_no", "text", Text("Số giấy phép lập văn phòng", "Number of the bureau's licence"), flag="legal", max_length=60),
    ), help=Text("Nghị định 262/2026, Điều 10.", "Nghị định 262/2026, art. 10.")),
    Group("signer", Text("Người ký đề nghị", "Who signs the request"), flag="legal", fields=(
        Field("name", "text", Text("Họ và tên người ký", "Signer's name"), flag="legal", max_length=200, personal="name"),
        Field("position", "text", Text("Chức vụ người ký", "Signer's position"), flag="legal", max_length=200),
    )),
    Group("contact", Text("Người liên hệ", "Contact"), flag="needed", fields=(
        Field("name", "text", Text("Họ và tên người liên hệ", "Contact's name"), flag="needed", max_length=200, personal="name"),
        Field("phone", "phone", Text("Điện thoại", "Telephone"), flag="needed", max_length=40, personal="contact"),
        Field("email", "email", Text("Thư điện tử", "E-mail"), flag="needed", max_length=200, personal="contact"),
    ), help=Text("Cần ít nhất một cách liên lạc được.", "At least one way by which somebody is reached.")),
    Group("guide_agency", Text("Cơ quan Việt Nam hướng dẫn, đối tác (nếu có)", "Vietnamese guide agency or partner (if any)"), fields=(
        Field("name", "text", Text("Tên cơ quan hướng dẫn", "Name of the guide agency"), max_length=200),
        Field("address", "text", Text("Địa chỉ cơ quan hướng dẫn", "Address of the guide agency"), max_length=300),
        Field("contact", "text", Text("Đầu mối của cơ quan hướng dẫn", "Contact at the guide agency"), max_length=200, personal="contact"),
    )),
    Group("licence", Text("Giấy phép hoạt động báo chí của Bộ Ngoại giao", "Press licence of the Ministry of Foreign Affairs"), flag="needed", fields=(
        Field("number", "text", Text("Số giấy phép", "Licence number"), flag="needed", max_length=60),
        Field("issued_on", "date", Text("Ngày cấp", "Issued on")),
        Field("valid_from", "date", Text("Có giá trị từ", "Valid from"), flag="needed"),
        Field("valid_to", "date", Text("Có giá trị đến", "Valid to"), flag="needed"),
        Field("purpose", "longtext", Text("Mục đích ghi trong giấy phép", "Purpose in the licence"), max_length=2000),
        Field("places", "longtext", Text("Địa bàn ghi trong giấy phép", "Places in the licence"), max_length=2000),
    ), when=LICENSED, help=Text("Phóng viên không thường trú phải có; văn phòng thường trú dùng thẻ phóng viên ở phần đoàn.", "Non-resident press needs it; a resident bureau gives press cards with the crew.")),
    Group("ministry_notice", Text("Thông báo cho Bộ Ngoại giao", "Notice to the Ministry"), when=RESIDENT, fields=(
        Field("sent", "bool", Text("Đã thông báo", "It has been sent")),
        Field("on", "date", Text("Ngày thông báo", "Sent on"), flag="needed"),
        Field("number", "text", Text("Số văn bản thông báo", "Number of the notice"), max_length=60),
    ), help=Text("Văn phòng thường trú đồng thời thông báo cho Bộ Ngoại giao (Nghị định 262/2026, Điều 16).", "A resident bureau tells the Ministry at the same time (Nghị định 262/2026, art. 16).")),
)  # fmt: skip

CREW = Rows("crew", Text("Thành viên đoàn", "Crew"), flag="legal", minimum=1, maximum=40, one=Text("Thành viên", "Member"), fields=(
    Field("name", "text", Text("Họ và tên như trong hộ chiếu", "Name as in the passport"), flag="legal", max_length=200, personal="name",
          help=Text("Viết đúng thứ tự và dấu như trong hộ chiếu.", "In the order and with the marks of the passport.")),
    Field("role", "choice", Text("Vai trò", "Role"), flag="needed", choices=CREW_ROLES),
    Field("nationality", "country", Text("Quốc tịch", "Nationality"), flag="needed"),
    Field("born_on", "date", Text("Ngày sinh", "Date of birth"), flag="needed", personal="identity"),
    Field("sex", "choice", Text("Giới tính", "Sex"), choices=SEXES),
    Field("passport_no", "text", Text("Số hộ chiếu", "Passport number"), flag="legal", max_length=20, personal="identity"),
    Field("passport_expires_on", "date", Text("Hộ chiếu hết hạn", "Passport expires on"), flag="legal"),
    Field("visa_type", "choice", Text("Loại thị thực", "Kind of visa"), flag="needed", choices=VISAS),
    Field("visa_no", "text", Text("Số thị thực", "Visa number"), max_length=40, personal="identity"),
    Field("visa_expires_on", "date", Text("Thị thực hết hạn", "Visa expires on")),
    Field("card_no", "text", Text("Số thẻ phóng viên hoặc trợ lý", "Press or assistant card number"), flag="needed", max_length=40, personal="identity"),
    Field("card_expires_on", "date", Text("Thẻ hết hạn", "Card expires on"), flag="needed"),
    Field("languages", "text", Text("Ngôn ngữ", "Languages"), max_length=200),
    Field("interpreter", "bool", Text("Cần phiên dịch", "Needs an interpreter")),
    Field("emergency", "text", Text("Liên hệ khẩn cấp", "Emergency contact"), max_length=200, personal="emergency",
          help=Text("Tên và điện thoại; xóa khi hồ sơ kết thúc.", "Name and telephone; deleted when the case is closed.")),
))  # fmt: skip

EQUIPMENT = Rows("equipment", Text("Thiết bị", "Equipment"), flag="needed", maximum=100, one=Text("Thiết bị", "Item"), fields=(
    Field("type", "text", Text("Loại", "Type"), flag="legal", max_length=120, suggest="equipment"),
    Field("maker", "text", Text("Hãng", "Maker"), max_length=120),
    Field("model", "text", Text("Kiểu", "Model"), max_length=120),
    Field("serial", "text", Text("Số máy", "Serial number"), flag="needed", max_length=120,
          help=Text("Máy quay, thiết bị bay, máy phát cần có số máy.", "Cameras, drones and transmitters need theirs.")),
    Field("quantity", "integer", Text("Số lượng", "Quantity"), flag="needed", minimum=1, maximum=1000),
    Field("origin", "country", Text("Xuất xứ", "Country of origin")),
    Field("value", "integer", Text("Giá trị", "Value"), minimum=0, maximum=1_000_000_000_000),
    Field("currency", "choice", Text("Đơn vị tiền", "Currency"), choices=CURRENCIES),
    Field("device", "choice", Text("Thiết bị cần giấy phép riêng", "Device with a licence of its own"), choices=DEVICES),
    Field("permit_no", "text", Text("Số giấy phép bay, tần số", "Flight or frequency permit number"), max_length=60, when=When("device", tuple(c.code for c in DEVICES)),
          flag="needed", help=Text("Có thể bổ sung trước khi sử dụng.", "It may follow, before the device is used.")),
    Field("temporary", "bool", Text("Tạm nhập, tái xuất", "Imported for a time")),
    Field("customs_no", "text", Text("Số tờ khai hải quan", "Customs declaration number"), max_length=60, when=When("temporary", (True,))),
    Field("leaves_on", "date", Text("Ngày dự kiến tái xuất", "Leaves the country on"), when=When("temporary", (True,))),
    Field("leaves_at", "text", Text("Cửa khẩu tái xuất", "Port of exit"), max_length=120, when=When("temporary", (True,))),
))  # fmt: skip
